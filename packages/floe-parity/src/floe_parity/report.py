"""Print the parity report in the terminal."""

from __future__ import annotations

from collections import Counter
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from floe_core.cli.commands.show_command import next_ticks
from floe_core.cli.console import count_of
from floe_core.cli.run_view import MARKS
from floe_core.runs.build_events import NodeResult
from floe_parity.comparison import Comparison, NodeComparison


def print_report(comparison: Comparison, console: Console, is_kept: bool) -> None:
    """Print the result of each node on each side, then the next ticks, then the verdict."""
    console.print()
    console.print(_nodes(comparison))
    _print_schedules(comparison, console)
    for difference in comparison.differences:
        console.print(f"[red]differs[/]: {escape(difference)}")
    _print_verdict(comparison, console)
    if is_kept:
        for side in comparison.sides:
            for text in side.report.look_further:
                console.print(f"{side.name}: {text}", style="dim", markup=False, soft_wrap=True)


def _nodes(comparison: Comparison) -> Table:
    product = comparison.sides[0].artifacts.product
    names = " and on ".join(side.name for side in comparison.sides)
    title = f"{product.name} {product.version} on {names}"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, expand=True)
    table.add_column("node", overflow="ellipsis", no_wrap=True, ratio=1)
    table.add_column("type", style="dim", no_wrap=True, min_width=11)
    for side in comparison.sides:
        table.add_column(side.name, no_wrap=True, min_width=14)
    table.add_column("rows", justify="right", no_wrap=True, min_width=4)
    table.add_column("equal", min_width=5)
    for node in comparison.nodes:
        table.add_row(*_row(comparison, node))
    return table


def _row(comparison: Comparison, node: NodeComparison) -> list[str]:
    compiled = comparison.sides[0].artifacts.by_id.get(node.node_id)
    return [
        escape(compiled.label if compiled else node.node_id),
        compiled.materialization or compiled.resource_type if compiled else "",
        *map(_outcome, node.results),
        "" if node.rows is None else str(node.rows),
        f"[red]{escape('; '.join(node.differences))}[/]" if node.differences else "[green]yes[/]",
    ]


def _outcome(result: NodeResult | None) -> str:
    if result is None:
        return "[red]absent[/]"
    return f"{MARKS[result.status]} [dim]{result.seconds:.2f} s[/]"


def _print_schedules(comparison: Comparison, console: Console) -> None:
    for job in comparison.sides[0].artifacts.jobs:
        ticks = next_ticks(job.schedule)
        if job.schedule is None or not ticks:
            continue
        zone = ZoneInfo(job.schedule.timezone)
        shown = ", ".join(f"{tick.astimezone(zone):%a %d %b %H:%M}" for tick in ticks)
        schedule = f"{job.schedule.cron} in {job.schedule.timezone}"
        console.print(f"next ticks of [bold]{job.name}[/], {escape(schedule)}:")
        console.print(f"  {shown}")


def _print_verdict(comparison: Comparison, console: Console) -> None:
    for side in comparison.sides:
        statuses = Counter(result.status for result in side.report.nodes.values())
        shown = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))
        report = side.report
        emitted = "" if side.is_plain_dbt else f"; {count_of(side.events.total(), 'lineage event')}"
        console.print(f"{side.name}: {report.status} in {report.seconds:.1f} s: {shown}{emitted}")
    differing = sum(1 for node in comparison.nodes if node.differences)
    everywhere = "both" if len(comparison.sides) == 2 else f"all {len(comparison.sides)}"
    if comparison.is_equal and comparison.has_succeeded:
        shown = ", ".join(_counts(comparison))
        console.print(f"[bold green]the same on {everywhere}[/]: {shown}")
    elif comparison.is_equal:
        console.print(f"[bold yellow]the same on {everywhere}, and failed on {everywhere}[/]")
    else:
        console.print(f"[bold red]not the same[/]: nodes that differ: {differing}")


def _counts(comparison: Comparison) -> list[str]:
    """Return what was compared, with counts."""
    tables = sum(1 for node in comparison.nodes if node.rows is not None)
    counts = [
        count_of(len(comparison.nodes), "node"),
        f"{count_of(tables, 'table')} with equal contents",
    ]
    emitting = [side for side in comparison.sides if not side.is_plain_dbt]
    if len(emitting) > 1:
        ticks = sum(map(len, emitting[0].promises.ticks.values()))
        events = count_of(emitting[0].events.total(), "lineage event")
        counts += [events, f"{count_of(ticks, 'tick')} of a year"]
    return counts
