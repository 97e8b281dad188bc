"""Record the columns of built nodes, as the warehouse names and types them.

They are read at the end of a node in dbt's own thread and connection, through dbt's adapter, and
kept in a small file for each node beside the compiled code, for lineage to read.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from floe_core.dbt.internals import duckdb_connection, loaded_adapters, warehouse_errors
from floe_core.schemas.nodes import RELATIONS, Column

_log = logging.getLogger("floe.lineage")

FOLDER = "floe_columns"
BUILT = "success"


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
        columns = _columns(adapters, node_info["unique_id"], where)
    except errors as error:
        _log.debug("the columns of %s are not known: %s", node_info["unique_id"], error)
        return
    path = _file(target, node_info["unique_id"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(columns, ensure_ascii=False), "utf-8")


def kept_columns(target: Path, unique_id: str) -> tuple[Column, ...]:
    """Return the recorded columns of a node, in order; () if there are none."""
    try:
        columns = json.loads(_file(target, unique_id).read_text("utf-8"))
        return tuple(Column(name=name, type=kind) for name, kind in columns)
    except (OSError, ValueError, TypeError, RecursionError):
        return ()


def _columns(
    adapters: Sequence[Any], node_id: str, where: Mapping[str, str]
) -> list[tuple[str, str]]:
    (adapter,) = adapters
    if adapter.type() == "duckdb" and (connection := duckdb_connection()) is not None:
        with connection.cursor() as cursor:
            rows = cursor.execute(f"describe {where['relation_name']}").fetchall()
        return [(str(row[0]), str(row[1])) for row in rows]
    with adapter.connection_named(f"{node_id} (columns)"):
        relation = adapter.Relation.create(
            # dbt's messages leave out empty values: Spark has no databases.
            database=where.get("database") or None,
            schema=where.get("schema") or None,
            identifier=where["alias"],
        )
        return [(each.name, each.data_type) for each in adapter.get_columns_in_relation(relation)]


def _file(target: Path, unique_id: str) -> Path:
    return target / FOLDER / f"{unique_id}.json"
