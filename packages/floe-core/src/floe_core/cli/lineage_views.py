"""The lineage of a product as plain data, as an HTML page and as a tree for the terminal."""

from __future__ import annotations

from typing import Any

from rich.markup import escape
from rich.tree import Tree

from floe_core.cli.pages.html_page import fill_page, template_of
from floe_core.lineage.lineage_map import ColumnOrigin, LineageMap, MappedTable
from floe_core.runs.build_request import PLAN_RUN_ID
from floe_core.schemas.nodes import Column


def source_of_columns(found: LineageMap) -> str:
    """Return in words what SQL the columns come from, "" if none was compiled."""
    if not found.run_ids:
        return ""
    last, *earlier = found.run_ids
    more = f" and of {len(earlier)} more" if earlier else ""
    if last == PLAN_RUN_ID:
        return f"columns from the SQL that `floe plan` compiled{more}"
    return f"columns from the SQL of run {last}{more}"


def as_data(found: LineageMap) -> list[dict[str, Any]]:
    """Return the tables, upstream first; `depth` is the longest path from one without parents."""
    depths: dict[str, int] = {}
    for table in found.tables:
        upstream = (depths[node_id] + 1 for node_id in table.reads)
        depths[table.node.unique_id] = max(upstream, default=0)
    return [_table(table, depths[table.node.unique_id]) for table in found.tables]


def _table(table: MappedTable, depth: int) -> dict[str, Any]:
    node = table.node
    documented = {column.name.lower(): column for column in node.columns}
    return {
        "id": node.unique_id,
        "label": node.label,
        "type": node.resource_type,
        "kind": node.materialization or node.resource_type,
        "about": node.description,
        "owners": list(node.owners),
        "tags": list(node.tags),
        "tests": [
            {"name": test.name, "kind": test.test_kind or "singular", "column": test.test_column}
            for test in table.tests
        ],
        "depth": depth,
        "reads": table.reads,
        "columns": [
            {
                "name": name,
                **_describe(documented.get(name.lower())),
                "from": [_origin(each) for each in origins],
            }
            for name, origins in table.columns.items()
        ],
        "rows": [_origin(each) for each in table.rows],
    }


def _describe(column: Column | None) -> dict[str, str]:
    """Return the description and type of a column as documented in the project, "" if absent."""
    return {"about": column.description if column else "", "type": column.type if column else ""}


def _origin(origin: ColumnOrigin) -> dict[str, Any]:
    steps = [step for step in origin.steps if step and step != "identity"]
    return {"id": origin.node_id, "column": origin.column, "steps": steps}


def lineage_page(product: str, found: LineageMap) -> str:
    """Return the page: a graph of the tables, with the details of the selected one."""
    columns = source_of_columns(found) or "no run yet: tables, and documented columns"
    texts = {"product": product, "columns": columns}
    return fill_page(template_of("lineage_page.html"), texts, as_data(found))


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
