"""What one kind of warehouse is: the SQL that reads its tables, its sessions and its files.

Two values are equal if the warehouse writes them as the same text: NULL differs from the empty
text, a trailing blank counts, as do the sign of -0.0 and the scale of a decimal without a declared
one; NaN equals NaN, and a moment with a time zone is equal in every zone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

Row = tuple[Any, ...]
ReadRows = Callable[[str], list[Row]]


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view by its schema and name, as the warehouse keeps them."""

    schema: str
    name: str


def quote_name(name: str) -> str:
    """Return a name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


class Dialect(ABC):
    """One kind of warehouse, by entry point `floe.warehouses`. Hashes have 64 bits, signed or not.

    `settings` are statements run first in each session. `fence` ends a subquery that must not be
    computed twice. `longest_name` is in bytes, None if no limit matters. `is_alone` marks a
    warehouse that allows only one session in a folder. `keeps_quoted_case`: a quoted name keeps its
    case, and floe looks for upper case.
    """

    settings: ClassVar[tuple[str, ...]] = ()
    fence: ClassVar[str] = ""
    longest_name: ClassVar[int | None] = None
    is_alone: ClassVar[bool] = False
    keeps_quoted_case: ClassVar[bool] = False

    def file_of_one_writer(self, profile: dict[str, Any], project_dir: Path) -> Path | None:
        """Return the file or folder that one process at a time may write to, None if many may."""
        return None

    def files_of_tables(self, profile: dict[str, Any], project_dir: Path) -> list[Path]:
        """Return what holds the tables of runs in the product's folder."""
        return []

    def using_file(self, profile: dict[str, Any], file: Path) -> dict[str, Any]:
        """Return a profile whose sessions in other folders use this `file_of_one_writer` too."""
        return profile

    def has_session(self) -> bool:
        """Return whether a warehouse that is alone has a session in this process."""
        return False

    def end_sessions(self) -> None:  # noqa: B027
        """End the sessions of this process, before it ends."""

    def undo_settings(self, rows: ReadRows) -> tuple[str, ...]:
        """Return the statements that undo `settings`, for a session that is shared with dbt."""
        return ()

    def prepare(self, handle: Any) -> None:  # noqa: B027
        """Add functions that a connection of the warehouse's driver lacks."""

    def quote_name(self, name: str) -> str:
        """Return a column's name, as the warehouse keeps it, as SQL."""
        return quote_name(name)

    def place(self, relation: Relation) -> str:
        """Return a relation as SQL."""
        return f"{self.quote_name(relation.schema)}.{self.quote_name(relation.name)}"

    def schemas(self, part: str) -> str:
        """Return a query for the schemas whose names contain a text."""
        return (
            "select distinct schema_name from information_schema.schemata "
            f"where strpos(schema_name, {literal(part)}) > 0"
        )

    def drop_schema(self, schema: str) -> str:
        """Return the statement that drops a schema and its contents, if it exists."""
        return f"drop schema if exists {self.quote_name(schema)} cascade"

    def read_columns(self, rows: ReadRows, relation: Relation) -> list[tuple[str, str]]:
        """Return the names and full types of columns, in order; [] if there is no relation."""
        return [(str(name), str(kind)) for name, kind in rows(self.columns(relation))]

    def text(self, expression: str) -> str:
        """Return the SQL for a value as text."""
        return f"cast({expression} as varchar)"

    def exact(self, expression: str) -> str:
        """Return the SQL for a text that is unique to a value; `text` may lose precision."""
        return self.text(expression)

    def total(self, hashes: str) -> str:
        """Return the sum of hashes over rows, as text, since drivers can't read numbers that large.

        The sum over no rows is 0.
        """
        return self.text(f"coalesce(sum({hashes}), 0)")

    def bucket(self, hashes: str, buckets: int) -> str:
        """Return a hash's bucket; `buckets` is a power of two."""
        return f"{hashes} & {buckets - 1}"

    @abstractmethod
    def columns(self, relation: Relation) -> str:
        """Return a query for names and full types in order; no rows if there is no relation."""

    @abstractmethod
    def value_hash(self, name: str, kind: str) -> str:
        """Return the hash of a column, given its quoted name and type; a number for NULL too."""

    @abstractmethod
    def row_hash(self, hashes: Sequence[str]) -> str:
        """Return one hash of several; its sum over rows depends on how the values are paired."""
