"""`floe lineage`: show the origins of a product's columns, and deliver its lineage events."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from floe_core.cli.console import notice, print_json, stdout
from floe_core.cli.options import Env, Json, Product
from floe_core.foundation.stages import begin_stage

ENVIRONMENT = 3
MEGABYTE = 1024 * 1024

app = typer.Typer(
    name="lineage",
    help="Show the origins of tables and columns, and the delivery of lineage events.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command()
def status(product: Product = Path(), as_json: Json = False) -> None:
    """Show pending events, and events that the backend refused, with the reason."""
    from floe_core.lineage import status as lineage_status

    found = lineage_status(compiled_folder(product))
    if as_json:
        print_json(asdict(found))
        return
    console = stdout()
    megabytes = f"{found.taken / MEGABYTE:.1f} of {found.limit // MEGABYTE} MB"
    console.print(f"{found.waiting} waiting, {len(found.refused)} refused, {megabytes}")
    _warn_of_full_spool(found.full_since)
    if found.last_failure:
        console.print(f"last error: {found.last_failure}", markup=False, soft_wrap=True)
    for event in found.refused:
        console.print(
            f"  {event.event_time} {event.event_type} {event.job}: {event.reason}",
            markup=False,
            soft_wrap=True,
        )


@app.command()
def flush(
    product: Product = Path(),
    timeout: Annotated[float, typer.Option(min=0.0, help="Seconds to keep trying.")] = 30.0,
    refused: Annotated[
        bool, typer.Option("--refused", help="Also send refused events again.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Send pending events, and the missing ends of killed builds.

    Exits 3 if some are still pending after the timeout.
    """
    from floe_core.execution.reports.killed_builds import report_killed_builds
    from floe_core.lineage import flush as flush_lineage
    from floe_core.schemas import CompiledArtifacts

    artifacts = CompiledArtifacts.load(compiled_folder(product))
    begin_stage("sending the events that wait")
    report_killed_builds(artifacts)
    done = flush_lineage(artifacts.folder, artifacts.lineage, timeout, also_refused=refused)
    if as_json:
        print_json(asdict(done))
    else:
        stdout().print(f"{done.sent} sent, {done.refused} refused, {done.waiting} still waiting")
        if done.reason:
            stdout().print(done.reason, markup=False, soft_wrap=True)
        _warn_of_full_spool(done.full_since)
    raise typer.Exit(ENVIRONMENT if done.waiting else 0)


@app.command()
def show(
    product: Product = Path(),
    env: Env = None,
    html: Annotated[Path | None, typer.Option(help="Write a self-contained HTML page.")] = None,
    as_json: Json = False,
) -> None:
    """Show the origins of each table and column of a compiled product.

    Columns are known once the product has run: they come from the SQL that dbt compiled.
    """
    from floe_core.cli.lineage_views import as_data, lineage_page, lineage_tree
    from floe_core.lineage.lineage_map import lineage_map
    from floe_core.schemas import CompiledArtifacts
    from floe_core.storage.files import write_together

    artifacts = CompiledArtifacts.load(compiled_folder(product))
    begin_stage("reading the SQL that ran")
    found = lineage_map(artifacts)
    if not found.run_ids:
        notice("no SQL has been compiled yet, so only tables are shown; run `floe run` first")
    if html is not None:
        page = lineage_page(artifacts.product.name, found)
        write_together(html.absolute().parent, {html.name: page.encode()})
        notice(f"wrote {html}")
    if as_json:
        last = next(iter(found.run_ids), "")
        print_json({"run_id": last, "run_ids": found.run_ids, "tables": as_data(found)})
    elif html is None:
        stdout().print(lineage_tree(artifacts.product.name, found))


def _warn_of_full_spool(since: str) -> None:
    if since:
        text = f"the spool was full at {since}: later events were dropped"
        stdout().print(f"{text}; set FLOE_LINEAGE_SPOOL_MB to raise the limit", soft_wrap=True)


def compiled_folder(product: Path) -> Path:
    """Return the folder of a compiled product.

    Raises:
        InvalidProductError: The product is not compiled.
    """
    from floe_core.foundation.errors import invalid
    from floe_core.schemas.compiled_artifacts import ARTIFACTS_FILE

    if not (product / ARTIFACTS_FILE).is_file():
        raise invalid("is not a compiled product", "run `floe compile`", str(product))
    return product.absolute()
