"""`floe parity`: run a product on two orchestrators and show that nothing differs."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from floe_core.cli.console import print_json, stderr, stdout
from floe_core.cli.options import Json, Product

if TYPE_CHECKING:
    from floe_core.parity.comparison import Comparison
    from floe_core.parity.side import Side

DIFFERENT = 1


def parity(
    product: Product = Path(),
    on: Annotated[
        list[str] | None,
        typer.Option(
            "--on", metavar="NAME", help="An orchestrator; twice, for the two to compare."
        ),
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep both compiled copies, with logs and tables, there."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the report as one HTML page too.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a product on two orchestrators from nothing, and compare what each made of it.

    Compares the graph, the jobs, their ticks of the next year and what follows a failure, the
    status of every run and node, the contents of every table and the lineage events. Exits 1 if
    anything differs, or if a run failed.
    """
    from floe_core.parity.comparison import compare

    names = _pair(on)
    with _folder(keep) as folder:
        left, right = (_run(product, name, folder / name) for name in names)
        comparison = compare(left, right)
        if html is not None:
            _write_page(comparison, html)
        if as_json:
            print_json(_as_dict(comparison))
        else:
            from floe_core.cli.parity_report import print_report

            print_report(comparison, stdout(), is_kept=keep is not None)
    has_passed = comparison.is_equal and left.report.status == "success"
    raise typer.Exit(0 if has_passed else DIFFERENT)


def _write_page(comparison: Comparison, path: Path) -> None:
    from floe_core.atomic_files import write_together
    from floe_core.parity.html_report import html_report

    write_together(path.absolute().parent, {path.name: html_report(comparison).encode()})


def _pair(on: list[str] | None) -> list[str]:
    """Return the two orchestrators to compare: those asked for, else the two that are installed."""
    from floe_core import plugin_registry
    from floe_core.errors import UsageError

    names = on or plugin_registry.installed()
    if len(names) != 2 or names[0] == names[1]:
        told = ", ".join(plugin_registry.installed())
        raise UsageError(f"parity compares two orchestrators: give --on twice; installed: {told}")
    return names


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="floe-parity-") as folder:
        yield Path(folder)


def _run(product: Path, orchestrator: str, folder: Path) -> Side:
    from floe_core.cli.run_view import RunView
    from floe_core.parity.side import compile_side, run_side

    console = stderr()
    began = time.monotonic()
    console.print(f"[bold]{orchestrator}[/]: compiling a copy of {product}", soft_wrap=True)
    artifacts = compile_side(product, orchestrator, folder)
    total = len(artifacts.runnable)
    console.print(f"  compiled in {time.monotonic() - began:.1f} s; running {total} nodes")
    with RunView(artifacts, console, total) as view:
        side = run_side(artifacts, view.hear)
    color = "green" if side.report.status == "success" else "red"
    console.print(f"  [{color}]{side.report.status}[/] in {side.report.seconds:.1f} s")
    if side.report.message:
        console.print(f"  {side.report.message}", markup=False, soft_wrap=True)
    return side


def _as_dict(comparison: Comparison) -> dict[str, Any]:
    sides = (comparison.left, comparison.right)
    return {
        "equal": comparison.is_equal,
        "runs": {
            side.orchestrator: {
                "status": side.report.status,
                "run_id": side.report.run_id,
                "seconds": round(side.report.seconds, 3),
                "lineage_events": side.events.total(),
                "ticks_of_a_year": {job: len(t) for job, t in side.promises.ticks.items()},
                "retries": {job: asdict(plan) for job, plan in side.promises.retries.items()},
            }
            for side in sides
        },
        "differences": list(comparison.differences),
        "nodes": {
            node.node_id: {
                comparison.left.orchestrator: node.left.status if node.left else None,
                comparison.right.orchestrator: node.right.status if node.right else None,
                "rows": node.rows,
                "differences": list(node.differences),
            }
            for node in comparison.nodes
        },
    }
