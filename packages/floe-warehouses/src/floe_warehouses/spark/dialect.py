"""Spark: its SQL for reading tables, and the one session of a process."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from floe_core.warehouse.dialect import Dialect, ReadRows, Relation, literal
from floe_warehouses.spark.metastore import metastore_folder, session_files, with_metastore


class Spark(Dialect):
    """Spark's 64-bit hash, with the text of values that it would hash alike."""

    is_alone = True
    settings = ("set time zone 'UTC'",)
    _CONTAINERS = ("array<", "map<", "struct<", "variant", "interval")

    def file_of_one_writer(self, profile: dict[str, Any], project_dir: Path) -> Path | None:
        """See `Dialect.file_of_one_writer`: the metastore of sessions, if that is a folder."""
        return metastore_folder(profile, project_dir)

    def files_of_tables(self, profile: dict[str, Any], project_dir: Path) -> list[Path]:
        """See `Dialect.files_of_tables`; tables of a copied metastore would be the original's."""
        return session_files(profile, project_dir)

    def using_file(self, profile: dict[str, Any], file: Path) -> dict[str, Any]:
        """See `Dialect.using_file`."""
        return with_metastore(profile, file)

    def has_session(self) -> bool:
        """See `Dialect.has_session`: a process that has run dbt on Spark has one."""
        context = getattr(sys.modules.get("pyspark"), "SparkContext", None)
        return getattr(context, "_active_spark_context", None) is not None

    def end_sessions(self) -> None:
        """See `Dialect.end_sessions`; waits for the Java machine, which pyspark does not."""
        try:
            from pyspark import SparkContext
        except ImportError:
            return
        context, gateway = SparkContext._active_spark_context, SparkContext._gateway
        if context is not None:
            context.stop()
        process = getattr(gateway, "proc", None)
        if gateway is not None and process is not None:
            gateway.shutdown()
            process.stdin.close()
            process.wait()

    def undo_settings(self, rows: ReadRows) -> tuple[str, ...]:
        """See `Dialect.undo_settings`: the time zone."""
        [(zone,)] = rows("select current_timezone()")
        return (f"set time zone {literal(str(zone))}",)

    def quote_name(self, name: str) -> str:
        """See `Dialect.quote_name`."""
        return "`" + name.replace("`", "``") + "`"

    def schemas(self, part: str) -> str:
        """See `Dialect.schemas`."""
        return f"show schemas like {literal(f'*{part}*')}"

    def read_columns(self, rows: ReadRows, relation: Relation) -> list[tuple[str, str]]:
        """See `Dialect.read_columns`."""
        schema = relation.schema.lower()
        if (schema,) not in [tuple(row) for row in rows(self.schemas(schema))]:
            return []
        tables = rows(
            f"show tables in {self.quote_name(schema)} like {literal(relation.name.lower())}"
        )
        if not tables:
            return []
        return read_columns(rows, relation)

    def columns(self, relation: Relation) -> str:
        """See `Dialect.columns`."""
        return f"describe table {self.place(relation)}"

    def value_hash(self, name: str, kind: str) -> str:
        """See `Dialect.value_hash`."""
        if kind.startswith("string"):  # A collation may treat two texts as equal.
            return f"xxhash64(cast({name} as binary))"
        if kind in ("float", "double"):  # Spark's hash treats -0.0 as 0.0.
            return f"xxhash64({name}, cast({name} as string))"
        if kind.startswith(self._CONTAINERS):  # Spark can't hash some of these types.
            return f"xxhash64(cast({self._json(name, kind)} as binary))"
        return f"xxhash64({name})"

    def _json(self, name: str, kind: str) -> str:
        text = f"cast({name} as string)"
        if not kind.startswith(("array<", "map<", "struct<")):
            return text
        # The text does not distinguish the word null from NULL; the JSON omits NULL fields.
        return f"concat(to_json({name}), {text})"

    def row_hash(self, hashes: Sequence[str]) -> str:
        """See `Dialect.row_hash`."""
        return f"xxhash64({', '.join(hashes)})"

    def text(self, expression: str) -> str:
        """See `Dialect.text`."""
        return f"cast({expression} as string)"

    def total(self, hashes: str) -> str:
        """See `Dialect.total`; Spark widens the sum to 38 digits, enough for 10**19 rows."""
        return self.text(f"coalesce(sum(cast({hashes} as decimal(28, 0))), 0)")


def read_columns(rows: ReadRows, relation: Relation) -> list[tuple[str, str]]:
    """Return the columns of an existing relation, without Spark's repeated partition columns."""
    found: list[tuple[str, str]] = []
    for name, kind, *_ in rows(Spark().columns(relation)):
        if not name or name.startswith("#"):
            break
        found.append((str(name), str(kind)))
    return found
