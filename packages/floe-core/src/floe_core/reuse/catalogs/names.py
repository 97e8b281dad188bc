"""How a warehouse stores names, and how its dbt adapter writes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Names:
    """Maps names to keys; names that mean the same have the same key.

    `fold` converts a name without quotes. `quotes_relations` is whether dbt writes the names of
    relations in quotes.
    """

    ignores_case: bool = False
    fold: Callable[[str], str] = str.lower
    quotes_relations: bool = True

    def stored_key(self, name: str) -> str:
        """Return the key of a name as stored in the warehouse."""
        return name.lower() if self.ignores_case else name

    def query_key(self, name: str, *, is_quoted: bool) -> str:
        """Return the key of a name in a query."""
        return self.stored_key(name if is_quoted else self.fold(name))

    def of_relation(self, name: str) -> str:
        """Return the key of a database, schema or relation name in dbt's manifest."""
        return self.query_key(name, is_quoted=self.quotes_relations)

    def of_seed(self, name: str) -> str:
        """Return the key of a column in a seed's header, "" if it depends on quotes."""
        if self.quotes_relations and not self.ignores_case and name != self.fold(name):
            return ""
        return self.query_key(name, is_quoted=False)
