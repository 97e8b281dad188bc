"""Record the columns of built nodes, as the warehouse names and types them, and DuckDB's rows.

They are read at the end of a node in dbt's own thread and connection, through dbt's adapter, and
kept in a small file for each node beside the compiled code, for lineage and orchestrators to read.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from floe_core.dbt.internals import duckdb_connection, loaded_adapters, warehouse_errors
from floe_core.schemas.nodes import RELATIONS, Column

_log = logging.getLogger("floe.lineage")

FOLDER = "floe_columns"
BUILT = "success"


@dataclass(frozen=True, slots=True)
class BuiltRelation:
    """A built relation: its columns, in order, and how many rows it has, None if not counted."""

    columns: tuple[Column, ...] = ()
    rows: int | None = None


def keep_columns(target: Path, node_info: Mapping[str, Any], status: str) -> None:
    """Record the columns of a node that was built; nothing for a node without a relation.

    If the warehouse does not return them, none are recorded: lineage then relies on the SQL.
    """
    where = node_info.get("node_relation") or {}
    if status != BUILT or node_info.get("resource_type") not in RELATIONS or not where.get("alias"):
        return
    if node_info.get("materialized") == "ephemeral":
        return
    errors = warehouse_errors()
    adapters = loaded_adapters("the columns of lineage come from the SQL alone")
    if not (errors and adapters):
        return
    try:
        columns, rows = _describe(adapters, node_info, where)
    except errors as error:
        _log.debug("the columns of %s are not known: %s", node_info["unique_id"], error)
        return
    path = _file(target, node_info["unique_id"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"columns": columns, "rows": rows}, ensure_ascii=False), "utf-8")


def kept_relation(target: Path, unique_id: str) -> BuiltRelation:
    """Return what is recorded of a node's relation; an empty one if nothing is."""
    try:
        kept = json.loads(_file(target, unique_id).read_text("utf-8"))
        columns = tuple(Column(name=name, type=kind) for name, kind in kept["columns"])
        return BuiltRelation(columns, None if kept["rows"] is None else int(kept["rows"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return BuiltRelation()


def _describe(
    adapters: Sequence[Any], node_info: Mapping[str, Any], where: Mapping[str, str]
) -> tuple[list[tuple[str, str]], int | None]:
    """Return the columns with their types, and the rows of a table: DuckDB has those at hand."""
    (adapter,) = adapters
    if adapter.type() == "duckdb" and (connection := duckdb_connection()) is not None:
        relation = where["relation_name"]
        with connection.cursor() as cursor:
            found = cursor.execute(f"describe {relation}").fetchall()
            # Counting a view runs its query.
            is_table = node_info.get("materialized") != "view"
            count = f"select count(*) from {relation}"
            counted = cursor.execute(count).fetchone() if is_table else None
        return [(str(row[0]), str(row[1])) for row in found], counted[0] if counted else None
    with adapter.connection_named(f"{node_info['unique_id']} (columns)"):
        relation = adapter.Relation.create(
            # dbt's messages leave out empty values: Spark has no databases.
            database=where.get("database") or None,
            schema=where.get("schema") or None,
            identifier=where["alias"],
        )
        described = adapter.get_columns_in_relation(relation)
        return [(each.name, each.data_type) for each in described], None


def _file(target: Path, unique_id: str) -> Path:
    return target / FOLDER / f"{unique_id}.json"
