"""SQL that hashes values and rows, in the words of each warehouse.

Two values are the same where the warehouse writes them as the same text: NULL is no empty text, a
trailing blank counts, as do the sign of -0.0 and the scale of a decimal without a declared one; NaN
equals NaN, and a moment with a time zone is the same in every zone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from floe_core.errors import UsageError


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view by its schema and name, as the warehouse keeps them."""

    schema: str
    name: str


def quoted(name: str) -> str:
    """Return a name as SQL, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as SQL."""
    return "'" + text.replace("'", "''") + "'"


class Dialect(ABC):
    """What one kind of warehouse needs to be told. Hashes have 64 bits, signed or not.

    `settings` are run in each session first. `fence` ends a subquery that must not be computed
    twice. `longest_name` is in bytes, None for no limit that matters.
    """

    settings: ClassVar[tuple[str, ...]] = ()
    fence: ClassVar[str] = ""
    longest_name: ClassVar[int | None] = None

    def place(self, relation: Relation) -> str:
        """Return a relation as SQL."""
        return f"{quoted(relation.schema)}.{quoted(relation.name)}"

    def schemas(self, part: str) -> str:
        """Return a query for the names of schemas that have a text in them."""
        return (
            "select distinct schema_name from information_schema.schemata "
            f"where strpos(schema_name, {literal(part)}) > 0"
        )

    @abstractmethod
    def columns(self, relation: Relation) -> str:
        """Return a query for names and whole types in their order; no rows for no relation."""

    @abstractmethod
    def value_hash(self, name: str, kind: str) -> str:
        """Return the hash of a column of a type, of which `name` is SQL; a number for NULL too."""

    @abstractmethod
    def row_hash(self, hashes: Sequence[str]) -> str:
        """Return one hash of several, which no sum over rows can take apart again."""


class DuckDB(Dialect):
    """DuckDB's own hash, but for what it takes for equal and writes otherwise."""

    # dbt-duckdb's sessions have the zone of the machine; texts of moments are in UTC here.
    settings = ("set timezone = 'UTC'",)
    _FLOATS = ("FLOAT", "DOUBLE")
    _LAX = ("INTERVAL", "[", "STRUCT(", "MAP(", "UNION(")

    def columns(self, relation: Relation) -> str:
        """See `Dialect.columns`; types of views are those that they have now."""
        return f"select column_name, column_type from (describe {self.place(relation)})"

    def value_hash(self, name: str, kind: str) -> str:
        """See `Dialect.value_hash`."""
        if kind == "VARCHAR":  # A collation may take two texts for one; their bytes differ.
            return f"hash(encode({name}))"
        if kind in self._FLOATS:  # As text they would take twenty times as long.
            return f"hash({name}, {name} = 0 and signbit({name}))"
        if any(part in kind for part in self._LAX):
            return f"hash({name}, {name}::varchar)"
        return f"hash({name})"

    def row_hash(self, hashes: Sequence[str]) -> str:
        """See `Dialect.row_hash`: once more over what combines several."""
        return f"hash(hash({', '.join(hashes)}))"


class Postgres(Dialect):
    """The hash of a value's text, as PostgreSQL writes it in a session with fixed settings."""

    settings = (
        "set timezone = 'UTC'",
        "set datestyle = 'ISO, YMD'",
        "set intervalstyle = 'postgres'",
        "set extra_float_digits = 1",
        "set bytea_output = 'hex'",
    )
    fence = " offset 0"
    longest_name = 63

    def columns(self, relation: Relation) -> str:
        """See `Dialect.columns`; the catalog has the precision that other views of it lack."""
        return (
            "select attname, pg_catalog.format_type(atttypid, atttypmod) "
            "from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid "
            "join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
            f"where n.nspname = {literal(relation.schema)} "
            f"and c.relname = {literal(relation.name)} "
            "and attnum > 0 and not attisdropped order by attnum"
        )

    def value_hash(self, name: str, kind: str) -> str:
        """See `Dialect.value_hash`. The collation is that of bytes, whatever the column's."""
        return f'coalesce(pg_catalog.hashtextextended({name}::text collate "C", 0), 1)'

    def row_hash(self, hashes: Sequence[str]) -> str:
        """See `Dialect.row_hash`: of a text, since sums of `hash_record_extended` can be."""
        return f'pg_catalog.hashtextextended(row({", ".join(hashes)})::text collate "C", 0)'


# By dbt's names of the adapters.
DIALECTS: dict[str, Dialect] = {"duckdb": DuckDB(), "postgres": Postgres()}


def dialect_of(adapter: str) -> Dialect:
    """Return the dialect of a dbt adapter.

    Raises:
        UsageError: Its tables can't be hashed here.
    """
    if adapter not in DIALECTS:
        known = " and ".join(sorted(DIALECTS))
        raise UsageError(f"tables are compared on {known}; this product's are in {adapter}")
    return DIALECTS[adapter]
