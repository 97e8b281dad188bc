"""The rules by which a warehouse reads the names of tables and columns."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from itertools import count

from sqlglot import exp


@dataclass(frozen=True, slots=True)
class Identifiers:
    """The rules of one warehouse.

    DuckDB, Spark and SQLite keep a name as written and ignore its case; PostgreSQL folds unquoted
    names to lower case; `is_exact`: ClickHouse does neither. `using_first`: `*` begins with the
    columns of USING. `numbers_equal`: of two columns with the same name, the second gets a number.
    `puts_source_before`: a column that several sources have is named `source.column`.
    `aliases_first`: an alias wins over a column, anywhere in its query, even before its definition.
    `keeps_semi_joined`: a semi or anti join adds the columns of its right side.
    """

    ignores_case: bool
    using_first: bool
    numbers_equal: bool
    is_exact: bool = False
    puts_source_before: bool = False
    aliases_first: bool = False
    keeps_semi_joined: bool = False

    def spell(self, identifier: exp.Expr) -> str:
        """Return the name as the warehouse keeps it."""
        is_kept = self.ignores_case or self.is_exact or bool(identifier.args.get("quoted"))
        return identifier.name if is_kept else identifier.name.lower()

    def key(self, name: str) -> str:
        """Return a key that is equal for all spellings of the same name."""
        return name.lower() if self.ignores_case else name

    def rename(self, name: str, taken: Container[str]) -> str:
        """Return the new name of a column whose name is taken, "" if the warehouse rejects it."""
        if not self.numbers_equal:
            return ""
        return next(new for n in count(1) if self.key(new := f"{name}_{n}") not in taken)

    def key_of(self, identifier: exp.Expr) -> str:
        """Return the key of a name in a query."""
        return self.key(self.spell(identifier))


# Keyed by dbt's adapter names, which are also sqlglot's dialect names.
DIALECTS = {
    "clickhouse": Identifiers(
        ignores_case=False,
        using_first=False,
        numbers_equal=False,
        is_exact=True,
        puts_source_before=True,
        aliases_first=True,
        keeps_semi_joined=True,
    ),
    "duckdb": Identifiers(ignores_case=True, using_first=False, numbers_equal=True),
    "postgres": Identifiers(ignores_case=False, using_first=True, numbers_equal=False),
    # Names that differ only in case are treated as equal, even quoted ones.
    "snowflake": Identifiers(ignores_case=True, using_first=True, numbers_equal=False),
    "spark": Identifiers(ignores_case=True, using_first=True, numbers_equal=False),
    "sqlite": Identifiers(ignores_case=True, using_first=False, numbers_equal=False),
}
