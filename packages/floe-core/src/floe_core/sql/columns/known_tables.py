"""Read a query over tables of which some columns are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from floe_core.sql.columns.queries import QueryReader
from floe_core.sql.columns.relation import Relation, table_relation
from floe_core.sql.columns.scope import Scope
from floe_core.sql.names import Names, names_of


@dataclass(frozen=True, slots=True)
class KnownTable:
    """A table that a query may read: its full name and known columns.

    `is_complete`: these are all its columns, in order.
    """

    name: str
    columns: tuple[str, ...] = ()
    is_complete: bool = False


def write_table(schema: str, name: str, dialect: str) -> tuple[str, str]:
    """Return a table as dbt's adapter writes it in a query, and its name as a `KnownTable`.

    >>> write_table("s", "Customers", "postgres"), write_table("s", "customers", "snowflake")
    (('s."Customers"', 's.Customers'), ('s.customers', 'S.CUSTOMERS'))
    """
    names = names_of(dialect)
    is_quoted = names.quotes_relations
    written = exp.table_(exp.to_identifier(name, quoted=is_quoted or None), db=schema)
    stored = names.stored(schema, is_quoted=False), names.stored(name, is_quoted=is_quoted)
    return written.sql(dialect=dialect), ".".join(stored)


def read_relation(query: exp.Expr, tables: Sequence[KnownTable], scope: Scope) -> Relation:
    """Return the columns of a query; `scope` has the rules of names, and no sources yet.

    Raises:
        NotUnderstoodError: The query is of a kind that is not supported.
        RecursionError: It is nested too deep.
    """
    return QueryReader(_Tables(tables, scope.identifiers).find).read(query, scope)


class _Tables:
    """Finds a table by its full name, or by schema and name if only one table matches."""

    def __init__(self, tables: Sequence[KnownTable], identifiers: Names) -> None:
        self._identifiers = identifiers
        self._by_key = {identifiers.key(table.name): table for table in tables}
        self._found: dict[str, Relation] = {}

    def find(self, table: exp.Table, scope: Scope) -> Relation:
        """Return what is known of a table; an empty relation if it is not one of `tables`."""
        parts = [part for part in table.parts if isinstance(part, exp.Identifier)]
        key = ".".join(self._identifiers.key_of(part) for part in parts)
        if key in self._by_key:
            return self._relation(key)
        ends = [full for full in self._by_key if full.endswith(f".{key}")]
        return self._relation(ends[0]) if len(parts) > 1 and len(ends) == 1 else Relation()

    def _relation(self, key: str) -> Relation:
        if key not in self._found:
            table, names = self._by_key[key], self._identifiers
            self._found[key] = table_relation(
                table.name, table.columns, names, is_complete=table.is_complete
            )
        return self._found[key]
