"""DuckDB's SQL for reading tables."""

from __future__ import annotations

from collections.abc import Sequence

from floe_core.warehouse.dialect import Dialect, Relation


class DuckDB(Dialect):
    """DuckDB's own hash, but for what it takes for equal and writes otherwise."""

    # dbt-duckdb's sessions have the zone of the machine; texts of moments are in UTC here.
    settings = ("set timezone = 'UTC'",)
    _FLOATS = ("FLOAT", "DOUBLE")
    _LAX = ("INTERVAL", "[", "STRUCT(", "MAP(", "UNION(")

    def columns(self, relation: Relation) -> str:
        """See `Dialect.columns`; types of views are those that they have now."""
        return f"select column_name, column_type from (describe {self.place(relation)})"

    def value_hash(self, name: str, kind: str) -> str:
        """See `Dialect.value_hash`."""
        if kind == "VARCHAR":  # A collation may take two texts for one; their bytes differ.
            return f"hash(encode({name}))"
        if kind in self._FLOATS:  # As text they would take twenty times as long.
            return f"hash({name}, {name} = 0 and signbit({name}))"
        if any(part in kind for part in self._LAX):
            return f"hash({name}, {name}::varchar)"
        return f"hash({name})"

    def row_hash(self, hashes: Sequence[str]) -> str:
        """See `Dialect.row_hash`: once more over what combines several."""
        return f"hash(hash({', '.join(hashes)}))"
