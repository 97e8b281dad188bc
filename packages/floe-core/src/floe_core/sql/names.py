"""How each warehouse reads names of tables and columns: their case, quotes, and order in `*`."""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from dataclasses import dataclass, replace
from itertools import count

from sqlglot import exp

# Names that a warehouse takes without quotes.
_SIMPLE = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
_QUOTES = ('""', "``", "[]")


def fold_to_upper(name: str) -> str:
    """Return a name as a warehouse keeps it that folds names without quotes to upper case."""
    return name.upper() if _SIMPLE.fullmatch(name) else name


def keep(name: str) -> str:
    """Return a name as a warehouse keeps it that folds none."""
    return name


def unquote(name: str) -> str:
    """Return the name of a column that dbt quotes for SQL, as tests on it have it in the manifest.

    >>> unquote('"full name"'), unquote("`day`"), unquote("id")
    ('full name', 'day', 'id')
    """
    return name[1:-1] if _is_quoted(name) else name


def _is_quoted(name: str) -> bool:
    return len(name) > 2 and name[0] + name[-1] in _QUOTES


@dataclass(frozen=True, slots=True)
class Names:
    """The rules of one warehouse.

    `ignores_case`: names that differ only in case are equal, also in quotes. `fold` is what becomes
    of a name without quotes elsewhere. `quotes_relations` is whether dbt writes the names of
    relations in quotes. `using_first`: `*` begins with the columns of USING. `numbers_equal`: of
    two columns with the same name, the second gets a number. `puts_source_before`: a column that
    several sources have is named `source.column`. `aliases_first`: an alias wins over a column,
    anywhere in its query, even before its definition. `keeps_semi_joined`: a semi or anti join adds
    the columns of its right side. `unnested` is the column of an `unnest()` without names, "" if
    that is unknown; `keeps_unnested`: it has that name also beside the one of an alias.
    """

    ignores_case: bool = False
    fold: Callable[[str], str] = str.lower
    quotes_relations: bool = True
    using_first: bool = True
    numbers_equal: bool = False
    puts_source_before: bool = False
    aliases_first: bool = False
    keeps_semi_joined: bool = False
    unnested: str = ""
    keeps_unnested: bool = False

    def stored(self, name: str, *, is_quoted: bool) -> str:
        """Return a name in a query as the warehouse keeps it."""
        return name if is_quoted or self.ignores_case else self.fold(name)

    def spell(self, identifier: exp.Expr) -> str:
        """Return a name in a syntax tree as the warehouse keeps it."""
        return self.stored(identifier.name, is_quoted=bool(identifier.args.get("quoted")))

    def key(self, stored: str) -> str:
        """Return a key that is equal for all spellings of the same name."""
        return stored.lower() if self.ignores_case else stored

    def key_of(self, identifier: exp.Expr) -> str:
        """Return the key of a name in a syntax tree."""
        return self.key(self.spell(identifier))

    def query_key(self, name: str, *, is_quoted: bool) -> str:
        """Return the key of a name in a query."""
        return self.key(self.stored(name, is_quoted=is_quoted))

    def of_relation(self, name: str) -> str:
        """Return the key of a database, schema or relation name in dbt's manifest."""
        return self.query_key(name, is_quoted=self.quotes_relations)

    def of_seed(self, name: str) -> str:
        """Return the key of a column in a seed's header, "" if it depends on quotes."""
        if self.quotes_relations and not self.ignores_case and name != self.fold(name):
            return ""
        return self.query_key(name, is_quoted=False)

    def written(self, stored: str) -> str:
        """Return a column as a query may write it: in lower case if that means it, else in quotes.

        >>> NAMES["postgres"].written("id"), NAMES["postgres"].written("Id")
        ('id', '"Id"')
        >>> NAMES["snowflake"].written("ID"), NAMES["snowflake"].written("id")
        ('id', '"id"')
        """
        lower = stored.lower()
        return lower if self.ignores_case or self.fold(lower) == stored else f'"{stored}"'

    def read(self, written: str, *, is_quoted: bool = False) -> str:
        """Return the name that the warehouse keeps for a column that dbt's files write.

        >>> NAMES["postgres"].read('"Id"'), NAMES["postgres"].read("Id")
        ('Id', 'id')
        """
        return self.stored(unquote(written), is_quoted=is_quoted or _is_quoted(written))

    def rename(self, name: str, taken: Container[str]) -> str:
        """Return the new name of a column whose name is taken, "" if the warehouse rejects it."""
        if not self.numbers_equal:
            return ""
        return next(new for n in count(1) if self.key(new := f"{name}_{n}") not in taken)

    def of_documentation(self) -> Names:
        """Return the rules for columns as documentation spells them.

        Their case says nothing where names without quotes are not in lower case.
        """
        return replace(self, ignores_case=True) if self.fold is fold_to_upper else self


# Keyed by dbt's adapter names, which are also sqlglot's dialect names.
NAMES = {
    "clickhouse": Names(
        fold=keep,
        using_first=False,
        puts_source_before=True,
        aliases_first=True,
        keeps_semi_joined=True,
    ),
    "duckdb": Names(
        ignores_case=True,
        using_first=False,
        numbers_equal=True,
        unnested="unnest",
        keeps_unnested=True,
    ),
    "postgres": Names(unnested="unnest"),
    "snowflake": Names(fold=fold_to_upper, quotes_relations=False),
    "spark": Names(ignores_case=True),
    "sqlite": Names(ignores_case=True, using_first=False),
}
_OTHERS = Names(ignores_case=True)


def names_of(adapter: str) -> Names:
    """Return the rules of an adapter's warehouse; of one that is not known, cautious ones."""
    return NAMES.get(adapter, _OTHERS)


# Functions that are called without parentheses, unless they are in quotes.
WORDS = frozenset(
    {
        *("current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"),
        *("current_user", "session_user", "user", "current_role"),
        *("current_catalog", "current_schema", "current_database"),
    }
)
# Columns that tables have without listing them, which say where a row is stored; quoted ones too.
PLACES = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", "rowid", "filename"})
# More of these, and sequences, by dbt's names of adapters.
OF_WAREHOUSE = {
    "duckdb": frozenset({"file_row_number"}),
    # https://docs.snowflake.com/en/user-guide/querying-metadata, and what streams show of changes.
    "snowflake": frozenset(
        {
            *("nextval", "metadata$filename", "metadata$file_row_number"),
            *("metadata$file_content_key", "metadata$file_last_modified"),
            *("metadata$start_scan_time", "metadata$external_table_partition"),
            *("metadata$action", "metadata$isupdate", "metadata$row_id"),
        }
    ),
    "spark": frozenset(
        {
            *("_metadata", "_file", "_pos", "_partition", "_spec_id", "_deleted"),
            *("_row_id", "_last_updated_sequence_number"),
        }
    ),
    "sqlite": frozenset({"_rowid_", "oid"}),
}
SYSTEM_COLUMNS = PLACES.union(*OF_WAREHOUSE.values())
