"""The lineage of a product, for the terminal."""

from __future__ import annotations

from rich.markup import escape
from rich.tree import Tree

from floe_core.cli.lineage_data import source_of_columns
from floe_core.lineage.lineage_map import ColumnOrigin, LineageMap, MappedTable


def lineage_tree(product: str, found: LineageMap) -> Tree:
    """Return the tables of a product, upstream first, each with its columns and their origins."""
    labels = {table.node.unique_id: table.node.label for table in found.tables}
    source = source_of_columns(found)
    shown = f" [dim]{escape(source)}[/]" if source else ""
    tree = Tree(f"[bold]{escape(product)}[/]{shown}")
    for table in found.tables:
        branch = tree.add(_head(table, labels))
        width = max((len(name) for name in table.columns), default=0)
        for name, origins in table.columns.items():
            branch.add(f"{escape(name.ljust(width))}{_arrow(origins, labels)}")
        if table.rows:
            branch.add(f"[dim]rows{_arrow(table.rows, labels)}[/]")
    return tree


def _head(table: MappedTable, labels: dict[str, str]) -> str:
    kind = table.node.materialization or table.node.resource_type
    reads = ", ".join(labels[node_id] for node_id in table.reads)
    arrow = f" <- {escape(reads)}" if reads else ""
    return f"[bold]{escape(table.node.label)}[/] [dim]{kind}{arrow}[/]"


def _arrow(origins: tuple[ColumnOrigin, ...], labels: dict[str, str]) -> str:
    return "".join(
        f"{', ' if place else ' [dim]<-[/] '}{escape(labels[each.node_id])}.{escape(each.column)}"
        f"{_steps(each)}"
        for place, each in enumerate(origins)
    )


def _steps(origin: ColumnOrigin) -> str:
    steps = [step for step in origin.steps if step and step != "identity"]
    return f" [dim]({', '.join(steps)})[/]" if steps else ""
