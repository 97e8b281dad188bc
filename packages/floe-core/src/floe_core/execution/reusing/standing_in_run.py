"""What a table is in the middle of a run, read beside dbt."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from floe_core.errors import EnvironmentProblemError
from floe_core.execution.dbt.internals import duckdb_connection
from floe_core.reuse.standing import read_standing
from floe_core.reuse.state import Standing
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_core.warehouse.connection import DuckDBCursor, Warehouse, apply_settings, connect
from floe_core.warehouse.dialects import dialect_of


class StandingInRun:
    """Reads tables while dbt runs in this process; closed, it holds nothing of the warehouse."""

    def __init__(self, artifacts: CompiledArtifacts) -> None:
        self._artifacts = artifacts
        # dbt's own threads have a connection of dbt's each, and what else dbt keeps by thread.
        self._thread = ThreadPoolExecutor(1, "floe-standing")
        self._opened = ExitStack()
        self._is_closed = False
        self._warehouse: Warehouse | None = None

    def read(self, node_id: str) -> Standing | None:
        """Return what the relation of a node is, None where it is not known."""
        node = self._artifacts.by_id[node_id]
        try:
            if self._artifacts.dbt.adapter == "duckdb":
                return self._read_duckdb(node)
            return None if self._is_closed else self._thread.submit(self._beside, node).result()
        except EnvironmentProblemError:
            return None

    def close(self) -> None:
        """Close the connection, if there is one; once is enough."""
        if not self._is_closed:
            self._is_closed = True
            self._thread.submit(self._opened.close).result()
            self._thread.shutdown()

    def _read_duckdb(self, node: Node) -> Standing | None:
        """Read through dbt's process of DuckDB: a second one can't open the file."""
        connection = duckdb_connection()
        if connection is None:
            return None
        with connection.cursor() as cursor:
            warehouse = DuckDBCursor(cursor, dialect_of("duckdb"))
            apply_settings(warehouse)
            return read_standing(warehouse, "duckdb", node)

    def _beside(self, node: Node) -> Standing | None:
        dbt = self._artifacts.dbt
        if self._warehouse is None:
            # dbt runs in the product's folder meanwhile.
            opened = connect(dbt, self._artifacts.folder)
            self._warehouse = self._opened.enter_context(opened)
        return read_standing(self._warehouse, dbt.adapter, node)
