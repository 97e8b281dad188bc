"""How a warehouse keeps names, and how dbt's adapter for it writes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Names:
    """Names that mean the same thing have the same key.

    `fold` is what becomes of a name without quotes. `quotes_relations` is whether dbt writes the
    names of relations in quotes.
    """

    ignores_case: bool = False
    fold: Callable[[str], str] = str.lower
    quotes_relations: bool = True

    def kept(self, name: str) -> str:
        """Return the key of a name as the warehouse has it."""
        return name.lower() if self.ignores_case else name

    def written(self, name: str, *, is_quoted: bool) -> str:
        """Return the key of a name in a query."""
        return self.kept(name if is_quoted else self.fold(name))

    def of_relation(self, name: str) -> str:
        """Return the key of a name of a database, schema or relation in dbt's manifest."""
        return self.written(name, is_quoted=self.quotes_relations)

    def of_seed(self, name: str) -> str:
        """Return the key of a column in the header of a seed, "" where quotes decide about it."""
        if self.quotes_relations and not self.ignores_case and name != self.fold(name):
            return ""
        return self.written(name, is_quoted=False)
