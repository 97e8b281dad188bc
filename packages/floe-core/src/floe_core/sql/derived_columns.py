"""Derive the source columns of each column of a query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlglot

from floe_core.sql.columns.known_tables import KnownTable, read_relation
from floe_core.sql.columns.origins import Origins
from floe_core.sql.columns.scope import Scope
from floe_core.sql.columns.sources import NotUnderstoodError
from floe_core.sql.names import NAMES
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
