"""Which columns of which tables the columns of a query come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp

from floe_core.lineage.columns.identifiers import DIALECTS, Identifiers
from floe_core.lineage.columns.origins import Origins
from floe_core.lineage.columns.queries import QueryReader
from floe_core.lineage.columns.relation import Relation, table_relation
from floe_core.lineage.columns.scope import Scope
from floe_core.lineage.columns.sources import NotUnderstoodError


@dataclass(frozen=True, slots=True)
class KnownTable:
    """A table that a query may read, by its full name, with the columns known of it.

    `is_complete`: these are all its columns, in their order.
    """

    name: str
    columns: tuple[str, ...] = ()
    is_complete: bool = False


@dataclass(frozen=True, slots=True)
class DerivedColumns:
    """The columns that a query is known to give, with their origins.

    `effects` are columns that decide which rows there are and in what order. A column without
    origins is made of constants, or of what cannot be told.
    """

    columns: tuple[tuple[str, Origins], ...] = ()
    effects: Origins = field(default_factory=dict)
    is_complete: bool = False


def derive(sql: str, dialect: str, tables: Sequence[KnownTable]) -> DerivedColumns:
    """Return the columns of a query; none of a dialect or a statement that is not understood.

    Only `tables` become origins. Nothing is guessed: a column that may be another's is left out.
    """
    identifiers = DIALECTS.get(dialect)
    if identifiers is None:
        return DerivedColumns()
    try:
        query = sqlglot.parse_one(sql, dialect=dialect)
        reader = QueryReader(_Tables(tables, identifiers).find)
        relation = reader.read(query, Scope(identifiers))
    except (sqlglot.errors.SqlglotError, NotUnderstoodError, RecursionError):
        return DerivedColumns()
    columns = tuple((each.name, each.origins) for each in relation.fields if each.name)
    is_complete = relation.is_complete and len(columns) == len(relation.fields)
    return DerivedColumns(columns, relation.effects, is_complete)


class _Tables:
    """Finds a table by its full name, or by schema and name where only one table has them."""

    def __init__(self, tables: Sequence[KnownTable], identifiers: Identifiers) -> None:
        self._identifiers = identifiers
        self._by_key = {
            identifiers.key(table.name): table_relation(
                table.name, table.columns, is_complete=table.is_complete
            )
            for table in tables
        }

    def find(self, table: exp.Table, scope: Scope) -> Relation:
        """Return what is known of a table; of one that is none of ours, nothing."""
        parts = [part for part in table.parts if isinstance(part, exp.Identifier)]
        key = ".".join(self._identifiers.key_of(part) for part in parts)
        if key in self._by_key:
            return self._by_key[key]
        ends = [full for full in self._by_key if full.endswith(f".{key}")]
        return self._by_key[ends[0]] if len(parts) > 1 and len(ends) == 1 else Relation()
