"""Find the parts of a change that break readers of the product's tables."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from floe_ci.compilations import Compilation
from floe_core.schemas.nodes import Node
from floe_core.warehouse.table_contents import relation_of
from floe_core.warehouse.warehouse import Warehouse
from floe_diff.data.tables import both_open

PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class Break:
    """A relation that readers of production would not find as it was."""

    node_id: str
    what: str


def breaks_of(
    base: Compilation, head: Compilation, scratch: Compilation | None, built: Collection[str]
) -> tuple[Break, ...]:
    """Return relations that are gone or moved, and columns that are gone or of another type.

    `built` are the nodes whose relations in the scratch schemas can be compared. Models with
    `access: private` have no other readers, and are left out.
    """
    shared = [
        node
        for node in base.artifacts.built
        if node.is_relation and _access(base.manifest, node) != PRIVATE
    ]
    found = [Break(node.unique_id, what) for node in shared for what in _places(node, head)]
    if scratch is not None and built:
        replaced = [n for n in shared if n.unique_id in built and not _keeps(n, base, head)]
        found += _of_columns(replaced, base, scratch)
    return tuple(sorted(found, key=lambda each: each.node_id))


def _access(manifest: Mapping[str, Any], node: Node) -> str:
    """Return dbt's `access` of a model (manifest v12, nodes.*.access)."""
    entry = manifest["nodes"].get(node.unique_id) or {}
    return str(entry.get("access") or (entry.get("config") or {}).get("access") or "")


def _keeps(node: Node, base: Compilation, head: Compilation) -> bool:
    """Return whether dbt leaves the columns of production's table that the SQL no longer has.

    A snapshot's table only ever gains columns, as does that of an incremental model with
    `on_schema_change: append_new_columns`, unless the table is made anew.
    """
    if node.resource_type == "snapshot":
        return True
    before, now = (_config(each.manifest, node) for each in (base, head))
    return (
        now.get("materialized") == "incremental"
        and now.get("on_schema_change") == "append_new_columns"
        and not now.get("full_refresh")
        and before.get("materialized") in ("incremental", "table")
    )


def _config(manifest: Mapping[str, Any], node: Node) -> Mapping[str, Any]:
    """Return a node's configuration (manifest v12, nodes.*.config)."""
    return (manifest["nodes"].get(node.unique_id) or {}).get("config") or {}


def _places(node: Node, head: Compilation) -> Iterator[str]:
    now = head.artifacts.by_id.get(node.unique_id)
    if now is None:
        yield f"{_place(node)} is gone"
    elif _place(now) != _place(node):
        yield f"{_place(node)} becomes {_place(now)}"


def _place(node: Node) -> str:
    return ".".join(part for part in (node.schema_name, node.identifier) if part)


def _of_columns(nodes: list[Node], base: Compilation, scratch: Compilation) -> Iterator[Break]:
    with both_open(base.place("base"), scratch.place("scratch")) as (production, own):
        for node in nodes:
            before = _columns(production, node)
            now = _columns(own, scratch.artifacts.by_id[node.unique_id])
            for name, kind in before.items():
                if name not in now:
                    yield Break(node.unique_id, f"column {name} is gone")
                elif now[name] != kind:
                    yield Break(node.unique_id, f"column {name}: {kind} becomes {now[name]}")


def _columns(warehouse: Warehouse, node: Node) -> dict[str, str]:
    return dict(warehouse.columns(relation_of(node)))
