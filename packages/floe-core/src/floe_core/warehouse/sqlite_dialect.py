"""SQLite's SQL for reading tables; its hash functions are Python's, as SQLite runs in-process."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from floe_core.warehouse.dialect import Dialect, ReadRows, Relation, literal
from floe_core.warehouse.duckdb_file import render

_ARGUMENTS = 100


class SQLite(Dialect):
    """Hashes a value with its storage type, which SQLite decides per value, not per column."""

    def prepare(self, handle: Any) -> None:
        """See `Dialect.prepare`; SQLite has no hash function, and its sums overflow."""
        handle.create_function("floe_hash", -1, _hash, deterministic=True)
        handle.create_aggregate("floe_total", 1, _Total)

    def file_of_one_writer(self, profile: dict[str, Any], project_dir: Path) -> Path | None:
        """See `Dialect.file_of_one_writer`."""
        paths = dict(profile.get("schemas_and_paths") or {})
        location = str(paths.get(profile.get("schema"), ""))
        return project_dir / render(location, project_dir) if location else None

    def schemas(self, part: str) -> str:
        """See `Dialect.schemas`; schemas are attached files."""
        return f"select name from pragma_database_list where instr(name, {literal(part)}) > 0"

    def read_columns(self, rows: ReadRows, relation: Relation) -> list[tuple[str, str]]:
        """See `Dialect.read_columns`; SQLite would fail on a schema that is not attached."""
        attached = {str(name) for (name,) in rows(self.schemas(relation.schema))}
        return super().read_columns(rows, relation) if relation.schema in attached else []

    def columns(self, relation: Relation) -> str:
        """See `Dialect.columns`."""
        place = f"{literal(relation.name)}, {literal(relation.schema)}"
        return f"select name, type from pragma_table_info({place}) order by cid"

    def value_hash(self, name: str, kind: str) -> str:
        """See `Dialect.value_hash`."""
        return f"floe_hash({name})"

    def row_hash(self, hashes: Sequence[str]) -> str:
        """See `Dialect.row_hash`; SQLite passes at most 127 arguments to a function."""
        while len(hashes) > _ARGUMENTS:
            parts = range(0, len(hashes), _ARGUMENTS)
            hashes = [self.row_hash(hashes[start : start + _ARGUMENTS]) for start in parts]
        return f"floe_hash({', '.join(hashes)})"

    def exact(self, expression: str) -> str:
        """See `Dialect.exact`; as text, a float has only 15 digits."""
        return self.text(f"floe_hash({expression})")

    def total(self, hashes: str) -> str:
        """See `Dialect.total`; for no rows, Python's aggregates return NULL."""
        return f"coalesce(floe_total({hashes}), '0')"


def _hash(*values: Any) -> int:
    """Return a signed 64-bit hash."""
    found = blake2b(digest_size=8)
    for value in values:
        encoded = _as_bytes(value)
        found.update(b"%d " % len(encoded))
        found.update(encoded)
    return int.from_bytes(found.digest(), signed=True)


def _as_bytes(value: Any) -> bytes:
    """Return a value as bytes after a letter for its type; a float keeps its sign and last bit."""
    if value is None:
        return b"n"
    if isinstance(value, float):
        return b"f" + struct.pack(">d", value)
    if isinstance(value, bytes):
        return b"b" + value
    letter = b"i" if isinstance(value, int) else b"t"
    return letter + str(value).encode("utf-8", "surrogatepass")


class _Total:
    """Sums hashes; SQLite's own sum fails beyond 64 bits."""

    def __init__(self) -> None:
        self._total = 0

    def step(self, value: int) -> None:
        """Add the hash of a row."""
        self._total += value

    def finalize(self) -> str:
        """Return the sum as text."""
        return str(self._total)
