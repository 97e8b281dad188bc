"""The parity report that a person reads."""

from __future__ import annotations

from collections import Counter
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from floe_core.cli.run_view import MARKS
from floe_core.cli.show_command import next_ticks
from floe_core.execution.events import NodeResult
from floe_core.parity.comparison import Comparison, NodeComparison


def print_report(comparison: Comparison, console: Console, is_kept: bool) -> None:
    """Print node by node what each side did, then ticks, then the verdict."""
    console.print()
    console.print(_nodes(comparison))
    _print_schedules(comparison, console)
    for difference in comparison.differences:
        console.print(f"[red]differs[/]: {escape(difference)}")
    _print_verdict(comparison, console)
    if is_kept:
        for side in (comparison.left, comparison.right):
            for text in side.report.look_further:
                console.print(
                    f"{side.orchestrator}: {text}", style="dim", markup=False, soft_wrap=True
                )


def _nodes(comparison: Comparison) -> Table:
    left, right = comparison.left, comparison.right
    product = left.artifacts.product
    title = f"{product.name} {product.version} on {left.orchestrator} and on {right.orchestrator}"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1), pad_edge=False)
    table.add_column("node", overflow="ellipsis", no_wrap=True, max_width=44)
    table.add_column("type", style="dim")
    for side in (left, right):
        table.add_column(side.orchestrator)
        table.add_column("s", justify="right", style="dim")
    table.add_column("rows", justify="right")
    table.add_column("equal")
    for node in comparison.nodes:
        table.add_row(*_row(comparison, node))
    return table


def _row(comparison: Comparison, node: NodeComparison) -> list[str]:
    compiled = comparison.left.artifacts.by_id.get(node.node_id)
    return [
        escape(compiled.name if compiled else node.node_id),
        compiled.materialization or compiled.resource_type if compiled else "",
        *_outcome(node.left),
        *_outcome(node.right),
        "" if node.rows is None else str(node.rows),
        f"[red]{escape('; '.join(node.differences))}[/]" if node.differences else "[green]yes[/]",
    ]


def _outcome(result: NodeResult | None) -> tuple[str, str]:
    if result is None:
        return "[red]absent[/]", ""
    return MARKS[result.status].strip(), f"{result.seconds:.2f}"


def _print_schedules(comparison: Comparison, console: Console) -> None:
    for job in comparison.left.artifacts.jobs:
        ticks = next_ticks(job.schedule)
        if job.schedule is None or not ticks:
            continue
        zone = ZoneInfo(job.schedule.timezone)
        told = ", ".join(f"{tick.astimezone(zone):%a %d %b %H:%M}" for tick in ticks)
        schedule = f"{job.schedule.cron} in {job.schedule.timezone}"
        console.print(f"next ticks of [bold]{job.name}[/] ({escape(schedule)}): {told}")


def _print_verdict(comparison: Comparison, console: Console) -> None:
    left, right = comparison.left, comparison.right
    for side in (left, right):
        statuses = Counter(result.status for result in side.report.nodes.values())
        told = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))
        report = side.report
        console.print(f"{side.orchestrator}: {report.status} in {report.seconds:.1f} s ({told})")
    differing = sum(1 for node in comparison.nodes if node.differences)
    if comparison.is_equal and left.report.status == "success":
        tables = sum(1 for node in comparison.nodes if node.rows is not None)
        console.print(
            f"[bold green]the same on both[/]: {len(comparison.nodes)} nodes, "
            f"{tables} tables with equal contents"
        )
    elif comparison.is_equal:
        console.print("[bold yellow]the same on both, and failed on both[/]")
    else:
        console.print(f"[bold red]not the same[/]: {differing} nodes differ")
