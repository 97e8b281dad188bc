"""`floe run`: run a product on its orchestrator, here and now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from floe_core.cli.console import notice, print_json, stderr, stdout
from floe_core.cli.options import Json, On, Product

if TYPE_CHECKING:
    from floe_core.plugin_powers import RunReport
    from floe_core.schemas.compiled_artifacts import CompiledArtifacts

FAILED = 1


def run(
    product: Product = Path(),
    on: On = None,
    job: Annotated[str | None, typer.Option(help="A job of the product, not all of it.")] = None,
    select: Annotated[str | None, typer.Option(help="Some of its nodes, in dbt's syntax.")] = None,
    as_json: Json = False,
) -> None:
    """Compile a product and run it through the orchestrator's own engine on this machine.

    Dagster: a run in an instance of its own under .floe/dagster. Airflow: a DAG run in a local
    Airflow under .floe/airflow, with its scheduler, triggerer and executor. Exits 1 if any node
    failed.
    """
    from floe_core.cli.run_view import RunView
    from floe_core.compiler import compile_product
    from floe_core.execution.list_nodes import selected
    from floe_core.launch import launch
    from floe_core.plugin_powers import RunOptions

    artifacts = compile_product(product, orchestrator=on, on_notice=notice)
    chosen = artifacts.job(job or artifacts.jobs[0].name)
    node_ids = selected(artifacts, chosen.name, select) if select else None
    total = len(node_ids) if node_ids is not None else len(artifacts.nodes_of(chosen))
    orchestrator = artifacts.orchestrator.name
    stderr().print(f"running [bold]{chosen.name}[/] on [bold]{orchestrator}[/]: {total} nodes")
    with RunView(artifacts, stderr(), total) as view:
        report = launch(artifacts, RunOptions(chosen.name, node_ids), view.hear)
    if as_json:
        print_json(as_dict(artifacts, report))
    else:
        _print_summary(artifacts, report)
    raise typer.Exit(0 if report.status == "success" else FAILED)


def as_dict(artifacts: CompiledArtifacts, report: RunReport) -> dict[str, Any]:
    """Return a run as `floe run --json` prints it; a canceled run has failed."""
    return {
        "status": "success" if report.status == "success" else "failed",
        "product": artifacts.product.name,
        "orchestrator": artifacts.orchestrator.name,
        "run_id": report.run_id,
        "seconds": round(report.seconds, 3),
        "message": report.message,
        "nodes": {node_id: result.status for node_id, result in sorted(report.nodes.items())},
        "look_further": report.look_further,
    }


def _print_summary(artifacts: CompiledArtifacts, report: RunReport) -> None:
    color = "green" if report.status == "success" else "red"
    counts: dict[str, int] = {}
    for result in report.nodes.values():
        counts[result.status] = counts.get(result.status, 0) + 1
    told = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    console = stdout()
    console.print(
        f"[bold {color}]{report.status}[/] on {artifacts.orchestrator.name} "
        f"in {report.seconds:.1f} s: {told}"
    )
    if report.message:
        console.print(report.message, markup=False, soft_wrap=True)
    for text in report.look_further:
        console.print(text, style="dim", markup=False, soft_wrap=True)
