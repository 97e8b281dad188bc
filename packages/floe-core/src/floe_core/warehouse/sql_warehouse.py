"""What every warehouse that is read with its own SQL has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod

from floe_core.warehouse.dialect import Dialect, Relation, Row


class SQLWarehouse(ABC):
    """A warehouse that answers the queries of its dialect; see `Warehouse` for the methods."""

    dialect: Dialect

    @abstractmethod
    def rows(self, query: str) -> list[Row]:
        """See `Warehouse.rows`."""

    @abstractmethod
    def run(self, statement: str) -> None:
        """See `Warehouse.run`."""

    def columns(self, relation: Relation) -> list[tuple[str, str]]:
        """See `Warehouse.columns`."""
        return self.dialect.read_columns(self.rows, relation)

    def list_schemas(self, part: str) -> list[str]:
        """See `Warehouse.list_schemas`."""
        return sorted(str(name) for (name,) in self.rows(self.dialect.schemas(part)))

    def drop_schema(self, schema: str) -> None:
        """See `Warehouse.drop_schema`."""
        self.run(self.dialect.drop_schema(schema))
