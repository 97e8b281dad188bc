"""DuckDB's SQL for reading tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from floe_core.warehouse.dialect import Dialect, Relation
from floe_core.warehouse.duckdb_file import duckdb_file

OWN_TIME_ZONE = "getvariable('floe_time_zone')"
# DuckDB's own, also where a macro of the user has its name.
_HASH = "system.main.hash"


class DuckDB(Dialect):
    """DuckDB's own hash, with additions for values that it hashes alike but writes differently."""

    # Texts of moments are in UTC. A session begins with the zone of the profile or the machine.
    settings = ("set variable floe_time_zone = current_setting('TimeZone')", "set timezone = 'UTC'")
    _FLOATS = ("FLOAT", "DOUBLE")
    _LAX = ("INTERVAL", "[", "STRUCT(", "MAP(", "UNION(")

    def file_of_one_writer(self, profile: dict[str, Any], project_dir: Path) -> Path | None:
        """See `Dialect.file_of_one_writer`."""
        return duckdb_file(profile, project_dir)

    def files_of_tables(self, profile: dict[str, Any], project_dir: Path) -> list[Path]:
        """See `Dialect.files_of_tables`."""
        file = duckdb_file(profile, project_dir)
        return [file] if file else []

    def columns(self, relation: Relation) -> str:
        """See `Dialect.columns`; the types of a view are its current ones."""
        return f"select column_name, column_type from (describe {self.place(relation)})"

    def value_hash(self, name: str, kind: str) -> str:
        """See `Dialect.value_hash`."""
        if kind == "VARCHAR":  # A collation may treat two texts as equal; their bytes differ.
            return f"{_HASH}(system.main.encode({name}))"
        if kind in self._FLOATS:  # Hashing them as text would take 20 times as long.
            return f"{_HASH}({name}, {name} = 0 and system.main.signbit({name}))"
        if any(part in kind for part in self._LAX):
            return f"{_HASH}({name}, {name}::varchar)"
        return f"{_HASH}({name})"

    def row_hash(self, hashes: Sequence[str]) -> str:
        """See `Dialect.row_hash`; hashes the combined hash once more."""
        return f"{_HASH}({_HASH}({', '.join(hashes)}))"
