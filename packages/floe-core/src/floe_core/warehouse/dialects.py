"""The warehouses whose tables can be read and hashed, by dbt adapter name."""

from __future__ import annotations

from collections.abc import Iterable

from floe_core.errors import UsageError
from floe_core.warehouse.dialect import Dialect
from floe_core.warehouse.duckdb_dialect import DuckDB
from floe_core.warehouse.postgres_dialect import Postgres
from floe_core.warehouse.snowflake_dialect import Snowflake
from floe_core.warehouse.spark_dialect import Spark
from floe_core.warehouse.sqlite_dialect import SQLite

DIALECTS: dict[str, Dialect] = {
    "duckdb": DuckDB(),
    "postgres": Postgres(),
    "snowflake": Snowflake(),
    "spark": Spark(),
    "sqlite": SQLite(),
}


def dialect_of(adapter: str) -> Dialect:
    """Return the dialect of a dbt adapter.

    Raises:
        UsageError: Tables of this adapter can't be hashed.
    """
    if adapter not in DIALECTS:
        known = list_adapters(DIALECTS)
        raise UsageError(f"tables are compared on {known}; this product's are in {adapter}")
    return DIALECTS[adapter]


def list_adapters(adapters: Iterable[str]) -> str:
    """Return two or more adapters as a list for a message.

    >>> list_adapters(["sqlite", "duckdb", "postgres"])
    'duckdb, postgres and sqlite'
    """
    *others, last = sorted(adapters)
    return f"{', '.join(others)} and {last}"
