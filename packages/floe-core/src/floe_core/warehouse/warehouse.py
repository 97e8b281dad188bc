"""The interface of an open warehouse, and what those read with their own SQL have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

from floe_core.warehouse.dialect import Dialect, Relation, Row


class Warehouse(Protocol):
    """An open warehouse. Its errors are `EnvironmentProblemError`s with its own messages."""

    dialect: Dialect

    def rows(self, query: str) -> list[Row]:
        """Return the rows of a query."""

    def run(self, statement: str) -> None:
        """Run and commit one statement."""

    def columns(self, relation: Relation) -> list[tuple[str, str]]:
        """Return the columns and their types, in order; none if there is no such relation."""

    def list_schemas(self, part: str) -> list[str]:
        """Return the schemas whose names contain a text, sorted."""

    def drop_schema(self, schema: str) -> None:
        """Drop a schema and its contents, if it exists."""


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
