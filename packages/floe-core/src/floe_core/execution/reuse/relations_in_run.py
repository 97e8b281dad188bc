"""Read the state of tables in the middle of a run, while dbt is running."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from floe_core.dbt.internals import duckdb_connection
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.reuse.state import RelationFacts
from floe_core.reuse.warehouse_facts import read_relation
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_core.warehouse.connection import DuckDBCursor, apply_settings, connect
from floe_core.warehouse.dialects import dialect_of
from floe_core.warehouse.warehouse import Warehouse


class RelationsInRun:
    """Reads tables while dbt runs in this process; once closed, it holds no connection."""

    def __init__(self, artifacts: CompiledArtifacts) -> None:
        self._artifacts = artifacts
        # Each of dbt's own threads has a dbt connection and other thread-local state of dbt.
        self._thread = ThreadPoolExecutor(1, "floe-relations")
        self._opened = ExitStack()
        self._is_closed = False
        self._warehouse: Warehouse | None = None

    def read(self, node_id: str) -> RelationFacts | None:
        """Return the state of a node's relation, None if it is not known."""
        node = self._artifacts.by_id[node_id]
        try:
            if self._artifacts.dbt.adapter == "duckdb":
                return self._read_duckdb(node)
            return None if self._is_closed else self._thread.submit(self._beside, node).result()
        except EnvironmentProblemError:
            return None

    def close(self) -> None:
        """Close the connection, if there is one; later calls do nothing."""
        if not self._is_closed:
            self._is_closed = True
            self._thread.submit(self._opened.close).result()
            self._thread.shutdown()

    def _read_duckdb(self, node: Node) -> RelationFacts | None:
        """Read through dbt's own DuckDB connection: a second process can't open the file."""
        connection = duckdb_connection()
        if connection is None:
            return None
        with connection.cursor() as cursor:
            warehouse = DuckDBCursor(cursor, dialect_of("duckdb"))
            apply_settings(warehouse)
            return read_relation(warehouse, "duckdb", node)

    def _beside(self, node: Node) -> RelationFacts | None:
        dbt = self._artifacts.dbt
        if self._warehouse is None:
            # dbt is running in the product's folder at this time.
            opened = connect(dbt, self._artifacts.folder)
            self._warehouse = self._opened.enter_context(opened)
        return read_relation(self._warehouse, dbt.adapter, node)
