"""Run the sides of a comparison with live progress, and return the outcome as plain data."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from floe_core.cli.console import count_of, stderr

if TYPE_CHECKING:
    from floe_parity.comparison import Comparison
    from floe_parity.sides.side import CompiledSide, Side


@contextmanager
def folder_of_sides(keep: Path | None) -> Iterator[Path]:
    """Yield the folder for the copies of the sides: `keep`, or a temporary one."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="floe-parity-") as folder:
        yield Path(folder)


def print_message(text: str) -> None:
    """Print a message about the schemas of a side."""
    stderr().print(f"  {text}", markup=False)


def run_shown(compiled: CompiledSide, *, keeps_schemas: bool = False) -> Side:
    """Run a side and show each node as it ends.

    With `keeps_schemas`, the caller drops its schemas.
    """
    from floe_core.cli.run_view import RunView
    from floe_parity.sides.side import run_in_schemas, run_side

    console, artifacts = stderr(), compiled.artifacts
    total = len(artifacts.nodes_of(artifacts.jobs[0]))
    console.print(f"  running {count_of(total, 'node')}")
    with RunView(artifacts, console, total) as view:
        if keeps_schemas:
            side = run_in_schemas(compiled, view.receive)
        else:
            side = run_side(compiled, view.receive, print_message)
    color = "green" if side.report.status == "success" else "red"
    console.print(f"  [{color}]{side.report.status}[/] in {side.report.seconds:.1f} s")
    if side.report.message:
        console.print(f"  {side.report.message}", markup=False, soft_wrap=True)
    return side


def comparison_as_dict(comparison: Comparison) -> dict[str, Any]:
    """Return the differences, and the status of each node on each side."""
    return {
        "equal": comparison.is_equal,
        "runs": {
            side.name: {
                "status": side.report.status,
                "run_id": side.report.run_id,
                "seconds": round(side.report.seconds, 3),
                "lineage_events": side.events.total(),
                "ticks_of_a_year": {job: len(t) for job, t in side.promises.ticks.items()},
                "retries": {job: asdict(plan) for job, plan in side.promises.retries.items()},
            }
            for side in comparison.sides
        },
        "differences": list(comparison.differences),
        "nodes": {
            node.node_id: {
                **{
                    side.name: result.status if result else None
                    for side, result in zip(comparison.sides, node.results, strict=True)
                },
                "rows": node.rows,
                "differences": list(node.differences),
            }
            for node in comparison.nodes
        },
    }
