"""The states of partitions as a grid in the terminal: a line for each node."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.markup import escape

from floe_core.partitions.statuses import PartitionStatus, worst
from floe_partitions.overview import Overview

_MARKS: dict[PartitionStatus, str] = {
    "done": "[green]█[/]",
    "failed": "[red]X[/]",
    "missing": "[dim]·[/]",
    "stale": "[yellow]▒[/]",
}
_LONGEST_NAME = 32
# Beside the name and the marks: spaces, and the counts.
_BESIDE = 4


def print_grid(found: Overview, console: Console) -> None:
    """Print a line for each node, in which each mark is a partition, or several in a row."""
    partitions = found.partitions
    by, zone = found.declaration.by, found.declaration.timezone
    where = f" in {found.environment}" if found.environment else ""
    title = f"[bold]{escape(found.product)}[/]{where}: {len(partitions)} partitions by {by}, {zone}"
    if not partitions:
        console.print(f"{title}; none is over yet")
        return
    names = {node.unique_id: _name(node.label) for node in found.nodes}
    width = max(map(len, names.values()), default=0)
    room = max(10, console.width - width - _BESIDE)
    size = -(-len(partitions) // room)
    each = f"a mark is {size} {by}s" if size > 1 else f"a mark is a {by}"
    console.print(f"{title}, {partitions[0].key} to {partitions[-1].key}; {each}")
    for node in found.nodes:
        marks = "".join(_marks(found.statuses[node.unique_id], size))
        console.print(f"  {names[node.unique_id]:<{width}}  {marks}", soft_wrap=True)
    _print_counts(found, console)


def _print_counts(found: Overview, console: Console) -> None:
    legend = "  ".join(f"{mark} {name}" for name, mark in _MARKS.items())
    console.print(f"  {legend}")
    for node in found.nodes:
        counts = found.counts(node.unique_id)
        lacking = ", ".join(
            f"{count} {name}" for name, count in counts.items() if name != "done" and count
        )
        if lacking:
            done = f"{counts['done']} of {len(found.partitions)} done"
            console.print(f"  {escape(node.label)}: {done}, {lacking}", soft_wrap=True)
    for text in notes(found):
        console.print(text, style="yellow", markup=False, soft_wrap=True)


def notes(found: Overview) -> Iterator[str]:
    """Yield what else is in the store, and counts for nothing now."""
    if found.beyond:
        yield f"{found.beyond} states are of partitions before {found.declaration.start}, the start"
    if found.others:
        yield f"{found.place} also has states of other declarations: {', '.join(found.others)}"


def _marks(statuses: Sequence[PartitionStatus], size: int) -> Iterator[str]:
    for start in range(0, len(statuses), size):
        yield _MARKS[worst(statuses[start : start + size])]


def _name(label: str) -> str:
    return label if len(label) <= _LONGEST_NAME else f"{label[: _LONGEST_NAME - 1]}…"
