"""Derive the origins of each column of a query, and what the query needs of its tables.

A column that a query names is needed. A column that is only part of a `*` is needed if a reader of
the query needs it. So removing a column from a table need not break a `select *` downstream.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp

from floe_core.sql.columns.known_tables import KnownTable, read_relation
from floe_core.sql.columns.needs import (
    Need,
    Needed,
    Needs,
    Notes,
    number_parts,
    of_tables,
    perhaps,
)
from floe_core.sql.columns.origins import Origins
from floe_core.sql.columns.relation import Relation
from floe_core.sql.columns.scope import Scope
from floe_core.sql.columns.sources import NotUnderstoodError
from floe_core.sql.names import NAMES, Names, names_of
from floe_core.sql.parsed import parse_query


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
    if dialect not in NAMES:
        return DerivedColumns()
    names = NAMES[dialect].of_documentation()
    try:
        query = parse_query(sql, dialect)
        relation = read_relation(query, tables, Scope(names))
    except (sqlglot.errors.SqlglotError, NotUnderstoodError, RecursionError):
        return DerivedColumns()
    columns = tuple((each.name, each.origins) for each in relation.fields if each.name)
    is_complete = relation.is_complete and len(columns) == len(relation.fields)
    return DerivedColumns(columns, relation.effects, is_complete)


@dataclass(frozen=True)
class ReadQuery:
    """A query that has been read; columns are keyed by their names as the warehouse keeps them.

    `columns` are its own in order, None if they are not known. `unresolved` are names that none of
    its tables has, as far as their columns are known.
    """

    relation: Relation
    always: Needs
    unresolved: frozenset[str]
    names: Names

    @property
    def columns(self) -> tuple[str, ...] | None:
        """Its own columns in order, None unless all are known."""
        found = tuple(self.names.key(each.name) for each in self.relation.fields if each.name)
        is_complete = self.relation.is_complete and len(found) == len(self.relation.fields)
        return found if is_complete else None

    def needs(self, of_it: Needed) -> dict[str, Needed]:
        """Return table -> what is needed of it, given what is needed of the query."""
        needed = of_tables(self.always.union(*self._passed_on(of_it)))
        if of_it.is_closed:
            for table in self.relation.spread:
                needed[table] = needed.get(table, Needed()) | Needed(is_closed=True)
        return needed

    def _passed_on(self, of_it: Needed) -> Iterator[Needs]:
        yield from (self._needs_of_column(key) for key in of_it.columns)
        yield from (perhaps(self._needs_of_column(key)) for key in of_it.perhaps)
        yield self.relation.first(of_it.first)
        yield from (self.relation.without(key) for key in of_it.unwanted)
        if of_it.is_any:
            yield self.relation.all()
        if of_it.is_whole:
            yield self.relation.whole()

    def _needs_of_column(self, key: str) -> frozenset[Need]:
        found = self.relation.find(key, self.names)
        return found.needs if found else self.relation.unlisted(key, key).needs


def read_query(sql: str, dialect: str, tables: Sequence[KnownTable]) -> ReadQuery:
    """Return a query over these tables.

    Raises:
        NotUnderstoodError: It cannot be parsed, or has a part that is not read.
    """
    names, notes = names_of(dialect), Notes()
    try:
        query = parse_query(sql, dialect)
        if not isinstance(query, exp.Query):
            raise NotUnderstoodError("no query")
        count = number_parts(query)
        relation = read_relation(query, tables, Scope(names, notes=notes))
    except (sqlglot.errors.SqlglotError, RecursionError, KeyError, ValueError) as error:
        raise NotUnderstoodError(str(error)) from None
    if not notes.has_read_all(count):
        raise NotUnderstoodError("a part of the query that is not read")
    return ReadQuery(relation, frozenset(notes.needs), frozenset(notes.unresolved), names)
