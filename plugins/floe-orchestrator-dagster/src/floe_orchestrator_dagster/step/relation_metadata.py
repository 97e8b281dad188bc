"""What Dagster's pages and checks show of a relation that was built, under dagster-dbt's names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagster import (
    AssetKey,
    TableColumn,
    TableColumnDep,
    TableColumnLineage,
    TableSchema,
)

from floe_core.execution import (
    BuildRequest,
    ColumnOrigins,
    NodeResult,
    built_relation,
    column_origins,
)
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Column, Node
from floe_orchestrator_dagster.step.step_nodes import Columns

# They answer from memory, or in less than a millisecond.
_AT_HAND = ("duckdb", "sqlite", "postgres")
# The rows that they report as written are all rows of a table that a build made anew. Snowflake
# reports 1.
_COUNT_TABLES = ("postgres", "redshift", "bigquery")
# How dbt's adapter names a type that the warehouse names otherwise: (adapter, type) -> name. Under
# another name, a check of changes would report one when a team comes from dagster-dbt.
_OF_ADAPTER = {("duckdb", "VARCHAR"): "character varying(256)"}


def wants_columns(artifacts: CompiledArtifacts, columns: Columns) -> bool:
    """Return whether the warehouse is asked for the columns of what a run builds."""
    return columns in ("schema", "lineage") or (
        columns == "auto" and artifacts.dbt.adapter in _AT_HAND
    )


class RelationMetadata:
    """The metadata of the relations of one build; `keys` maps node id -> asset key."""

    def __init__(
        self,
        artifacts: CompiledArtifacts,
        request: BuildRequest,
        columns: Columns,
        keys: Mapping[str, AssetKey],
    ) -> None:
        self._artifacts = artifacts
        self._request = request
        self._with_lineage = columns == "lineage"
        self._keys = keys

    def of(self, result: NodeResult) -> dict[str, Any]:
        """Return the metadata of a node that was built, without what is not known."""
        node = self._artifacts.by_id[result.unique_id]
        if not node.is_relation:
            return {}
        built = built_relation(self._artifacts, self._request, node.unique_id)
        rows = (
            _rows(node, result, self._artifacts.dbt.adapter) if built.rows is None else built.rows
        )
        known: dict[str, Any] = {
            "dagster/row_count": rows,
            "dagster/storage_kind": None if rows is None else self._artifacts.dbt.adapter,
            "dagster/column_schema": _schema(built.columns, self._artifacts.dbt.adapter),
        }
        if self._with_lineage and built.columns:
            origins = column_origins(self._artifacts, self._request, node.unique_id)
            known["dagster/column_lineage"] = self._lineage(built.columns, origins)
        return {name: value for name, value in known.items() if value is not None}

    def _lineage(
        self, columns: tuple[Column, ...], origins: ColumnOrigins | None
    ) -> TableColumnLineage | None:
        if origins is None:
            return None
        found = {name.lower(): above for name, above in origins.items()}
        deps = {
            column.name: [
                TableColumnDep(self._keys[node_id], name)
                for node_id, name in found.get(column.name.lower(), ())
                if node_id in self._keys
            ]
            for column in columns
        }
        return TableColumnLineage(deps)


def _rows(node: Node, result: NodeResult, adapter: str) -> int | None:
    """Return the rows of a relation as far as its build reported them.

    dbt counts those of a seed itself.
    """
    is_table = node.materialization == "table" and adapter in _COUNT_TABLES
    return result.rows if is_table or node.resource_type == "seed" else None


def _schema(columns: tuple[Column, ...], adapter: str) -> TableSchema | None:
    named = ((each.name, _OF_ADAPTER.get((adapter, each.type), each.type)) for each in columns)
    described = [TableColumn(name, kind or "?") for name, kind in named]
    return TableSchema(described) if described else None
