"""`floe diff`: what changed between two compilations of a product, or between its tables."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from floe_core.cli.console import echo, notice, print_json, stdout
from floe_core.cli.options import Env, Json, given_options
from floe_core.foundation.stages import begin_stage

if TYPE_CHECKING:
    from floe_core.schemas.compiled_artifacts import CompiledArtifacts

DIFFERENT = 1
_PLACES = (
    "A compiled folder, or a compiled_artifacts.json{}. With --data: a compiled folder, a DuckDB "
    "or SQLite file, a target of profiles.yml, or a schema."
)
Old = Annotated[
    str, typer.Argument(help=_PLACES.format(", or a data contract (ODCS): a .yaml file or a URL"))
]
New = Annotated[str, typer.Argument(help=_PLACES.format(""))]


def diff(
    context: typer.Context,
    old: Old,
    new: New,
    data: Annotated[bool, typer.Option("--data", help="Compare the product's tables.")] = False,
    product: Annotated[
        Path, typer.Option(metavar="DIR", help="With --data: the product whose tables to compare.")
    ] = Path(),
    samples: Annotated[
        int, typer.Option(min=0, max=1000, help="With --data: rows of each kind to show per table.")
    ] = 5,
    days: Annotated[
        int, typer.Option(min=1, max=3660, help="Number of days whose ticks are compared.")
    ] = 90,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="ISO",
            help="When these days begin, in UTC unless it has an offset; by default now.",
        ),
    ] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit 1 if anything changed.")
    ] = False,
    fail_on_breaking: Annotated[
        bool,
        typer.Option("--fail-on-breaking", help="Exit 1 if a product that reads a port breaks."),
    ] = False,
    manifest: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The manifest whose `products` may read ports. Default: that of NEW's floe.yaml.",
        ),
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print Markdown, for example for a pull request.")
    ] = False,
    env: Env = None,
    as_json: Json = False,
) -> None:
    """Show changed nodes, edges, ports, jobs, ticks and settings, and everything downstream.

    A port that other products read is shown with the products that its change breaks. If OLD is a
    data contract, the ports of NEW are compared with it, and a broken promise breaks the contract.

    With --data: show the rows that are in one place only or that changed, matched by the key that
    dbt knows for a table, and the number of changed cells in each column. The tables are those of
    the environment that --env or FLOE_ENV names.
    """
    from floe_core.cli.moments import days_after, read_moment
    from floe_core.compiler.ports.products import Consumers, consumers_of
    from floe_core.foundation.errors import UsageError
    from floe_diff import difference
    from floe_diff.contracts.document import is_contract
    from floe_diff.markdown import as_markdown

    _refuse_what_is_ignored(context, data)
    if data:
        raise typer.Exit(_compare_data((old, new), product, samples, markdown, as_json) * exit_code)
    if is_contract(new):
        raise UsageError(f"{new} is a data contract; name it first: floe diff CONTRACT PRODUCT")
    begin_stage("comparing the two compilations")
    after = _artifacts_at(new)
    if is_contract(old):
        _refuse_what_no_contract_has(context)
        raise typer.Exit(
            _compare_contract(old, after, fail_on_breaking, exit_code, markdown, as_json)
        )
    before = _artifacts_at(old)
    start = read_moment(from_, "--from") if from_ else datetime.now(UTC)
    end = days_after(start, days, "--days")
    name = after.product.name
    others = consumers_of(name, Path(new), manifest) if before.ports else Consumers()
    for note in others.notes():
        notice(note)
    found = difference(before, after, start, end, others.published)
    title = f"{after.product.name} {before.product.version} -> {after.product.version}"
    if as_json:
        print_json({"different": bool(found), "broken": found.broken, **asdict(found)})
    else:
        _print(as_markdown(found, title), markdown)
    if (found and exit_code) or (found.broken and fail_on_breaking):
        raise typer.Exit(DIFFERENT)


def _refuse_what_is_ignored(context: typer.Context, data: bool) -> None:
    """Refuse options that apply only without `--data`, or only with it."""
    from floe_core.foundation.errors import UsageError

    of_data = {"product": "--product", "samples": "--samples", "env": "--env"}
    of_compilations = {
        "days": "--days",
        "from_": "--from",
        "manifest": "--manifest",
        "fail_on_breaking": "--fail-on-breaking",
    }
    given = given_options(context)
    ignored = [
        shown for name, shown in (of_compilations if data else of_data).items() if name in given
    ]
    if ignored:
        how = "don't apply with" if data else "apply only with"
        raise UsageError(f"these {how} --data: {', '.join(ignored)}")


def _compare_contract(
    place: str,
    product: CompiledArtifacts,
    fail_on_breaking: bool,
    exit_code: bool,
    markdown: bool,
    as_json: bool,
) -> int:
    """Print how a product's ports differ from a contract; return the exit code."""
    from floe_diff.contracts.changes import changes_of_contract
    from floe_diff.contracts.document import read_contract
    from floe_diff.markdown import ports_as_markdown

    contract = read_contract(place)
    found = changes_of_contract(contract, product)
    broken = sorted({each for change in found for each in change.breaks})
    if as_json:
        ports = [asdict(change) for change in found]
        print_json({"different": bool(found), "broken": broken, "ports": ports})
    else:
        title = f"{contract.label} {contract.version} and {product.product.name} "
        _print(ports_as_markdown(found, f"{title}{product.product.version}"), markdown)
    return DIFFERENT if (found and exit_code) or (broken and fail_on_breaking) else 0


def _refuse_what_no_contract_has(context: typer.Context) -> None:
    from floe_core.foundation.errors import UsageError

    of_jobs = {"days": "--days", "from_": "--from", "manifest": "--manifest"}
    given = given_options(context)
    if ignored := [shown for name, shown in of_jobs.items() if name in given]:
        raise UsageError(f"these don't apply to a data contract: {', '.join(ignored)}")


def _artifacts_at(place: str) -> CompiledArtifacts:
    from floe_core.schedules.live_schedules import check_schedules
    from floe_core.schemas.artifacts_reader import read_artifacts

    artifacts = read_artifacts(Path(place))
    check_schedules(artifacts, place)
    return artifacts


def _compare_data(
    names: tuple[str, str], product: Path, samples: int, markdown: bool, as_json: bool
) -> int:
    """Print what differs; return 1 if anything does, else 0."""
    from floe_diff.data import data_difference
    from floe_diff.data.markdown import as_markdown
    from floe_diff.data.places import place_named

    begin_stage("reading the product")
    left, right = (place_named(name, product) for name in names)
    begin_stage(f"comparing the tables of {left.name} and {right.name}")
    found = data_difference(left, right, samples)
    if as_json:
        print_json({"different": bool(found), **asdict(found)})
    else:
        title = f"{right.artifacts.product.name}: {left.name} and {right.name}"
        _print(as_markdown(found, title), markdown)
    return DIFFERENT if found else 0


def _print(text: str, as_it_is: bool) -> None:
    from rich.markdown import Markdown

    # Rendered for a terminal only: in a file, a wrapped id could not be copied or searched for.
    if as_it_is or not stdout().is_terminal:
        echo(text)
    else:
        stdout().print(Markdown(text))
