"""The warehouses whose tables are hashed where they are, by dbt adapter name; others are copied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from floe_core.foundation.entry_points import InstalledParts
from floe_core.warehouse.copied_tables import Copies
from floe_core.warehouse.dialect import Dialect

DIALECTS: Mapping[str, Dialect] = InstalledParts("floe.warehouses", Dialect)  # type: ignore[type-abstract]


def dialect_of(adapter: str) -> Dialect:
    """Return the dialect of a dbt adapter: that of copies for one without its own."""
    return DIALECTS.get(adapter) or Copies()


def list_adapters(adapters: Iterable[str]) -> str:
    """Return two or more adapters as a list for a message.

    >>> list_adapters(["sqlite", "duckdb", "postgres"])
    'duckdb, postgres and sqlite'
    """
    *others, last = sorted(adapters)
    return f"{', '.join(others)} and {last}"
