"""Derive the source columns of each column of a query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp

from floe_core.sql.columns.origins import Origins
from floe_core.sql.columns.queries import QueryReader
from floe_core.sql.columns.relation import Relation, table_relation
from floe_core.sql.columns.scope import Scope
from floe_core.sql.columns.sources import NotUnderstoodError
from floe_core.sql.names import DIALECTS, Identifiers


@dataclass(frozen=True, slots=True)
class KnownTable:
    """A table that a query may read: its full name and known columns.

    `is_complete`: these are all its columns, in order.
    """

    name: str
    columns: tuple[str, ...] = ()
    is_complete: bool = False


@dataclass(frozen=True, slots=True)
class DerivedColumns:
    """The columns that a query is known to return, with their origins.

    `effects` are columns that determine which rows are returned and in what order. A column without
    origins is made of constants, or its origins are unknown.
    """

    columns: tuple[tuple[str, Origins], ...] = ()
    effects: Origins = field(default_factory=dict)
    is_complete: bool = False


def derive(sql: str, dialect: str, tables: Sequence[KnownTable]) -> DerivedColumns:
    """Return the columns of a query; none if the dialect or the statement is not supported.

    Only `tables` become origins. Nothing is guessed: an ambiguous column is left out.
    """
    try:
        query = sqlglot.parse_one(sql, dialect=dialect)
    except (sqlglot.errors.SqlglotError, RecursionError):
        return DerivedColumns()
    return derive_query(query, dialect, tables)


def derive_query(query: exp.Expr, dialect: str, tables: Sequence[KnownTable]) -> DerivedColumns:
    """Return the columns of a query that has been parsed, like `derive`."""
    identifiers = DIALECTS.get(dialect)
    if identifiers is None:
        return DerivedColumns()
    try:
        reader = QueryReader(_Tables(tables, identifiers).find)
        relation = reader.read(query, Scope(identifiers))
    except (sqlglot.errors.SqlglotError, NotUnderstoodError, RecursionError):
        return DerivedColumns()
    columns = tuple((each.name, each.origins) for each in relation.fields if each.name)
    is_complete = relation.is_complete and len(columns) == len(relation.fields)
    return DerivedColumns(columns, relation.effects, is_complete)


class _Tables:
    """Finds a table by its full name, or by schema and name if only one table matches."""

    def __init__(self, tables: Sequence[KnownTable], identifiers: Identifiers) -> None:
        self._identifiers = identifiers
        self._by_key = {
            identifiers.key(table.name): table_relation(
                table.name, table.columns, is_complete=table.is_complete
            )
            for table in tables
        }

    def find(self, table: exp.Table, scope: Scope) -> Relation:
        """Return what is known of a table; an empty relation if it is not one of `tables`."""
        parts = [part for part in table.parts if isinstance(part, exp.Identifier)]
        key = ".".join(self._identifiers.key_of(part) for part in parts)
        if key in self._by_key:
            return self._by_key[key]
        ends = [full for full in self._by_key if full.endswith(f".{key}")]
        return self._by_key[ends[0]] if len(parts) > 1 and len(ends) == 1 else Relation()
