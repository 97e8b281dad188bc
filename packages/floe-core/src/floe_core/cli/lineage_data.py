"""The lineage of a product, for programs: the page's and other people's."""

from __future__ import annotations

from typing import Any

from floe_core.lineage.lineage_map import ColumnOrigin, LineageMap, MappedTable


def as_data(found: LineageMap) -> list[dict[str, Any]]:
    """Return the tables, upstream first; `depth` is the longest way from one that reads nothing."""
    depths: dict[str, int] = {}
    for table in found.tables:
        upstream = (depths[node_id] + 1 for node_id in table.reads)
        depths[table.node.unique_id] = max(upstream, default=0)
    return [_table(table, depths[table.node.unique_id]) for table in found.tables]


def _table(table: MappedTable, depth: int) -> dict[str, Any]:
    return {
        "id": table.node.unique_id,
        "label": table.node.label,
        "kind": table.node.materialization or table.node.resource_type,
        "about": table.node.description,
        "depth": depth,
        "reads": table.reads,
        "columns": [
            {"name": name, "from": [_origin(each) for each in origins]}
            for name, origins in table.columns.items()
        ],
        "rows": [_origin(each) for each in table.rows],
    }


def _origin(origin: ColumnOrigin) -> dict[str, Any]:
    steps = [step for step in origin.steps if step and step != "identity"]
    return {"id": origin.node_id, "column": origin.column, "steps": steps}
