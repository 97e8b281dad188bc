"""The interface of an open warehouse."""

from __future__ import annotations

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
