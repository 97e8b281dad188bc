"""What a query needs of a table: names of columns in lower case, and these marks among them.

A mark begins with a character that no column's name has.
"""

from __future__ import annotations

from collections.abc import Iterable

_MARK = "\x1f"
# Any column.
ALL = f"{_MARK}*"
# The number and the order of all columns, such as of a branch of a UNION.
WHOLE = f"{_MARK}="
# No column may be added, whatever its name.
NO_MORE = f"{_MARK}!*"
# Prefix of a column name that may belong to another table.
PERHAPS = f"{_MARK}?"
_WITHOUT = f"{_MARK}!"
_LEADING = f"{_MARK}<"


def leading(count: int) -> str:
    """Return the mark for the first columns of a table, by position whatever their names."""
    return f"{_LEADING}{count}"


def without(name: str) -> str:
    """Return the mark for a name that the table must not have."""
    return f"{_WITHOUT}{name}"


def perhaps(columns: Iterable[str]) -> set[str]:
    """Return the columns, marked as possibly belonging to another table."""
    return {each if each.startswith(_MARK) else f"{PERHAPS}{each}" for each in columns}


def certain(columns: Iterable[str]) -> set[str]:
    """Return the columns that certainly belong to this table."""
    return {each for each in columns if not each.startswith(_MARK)}


def possible(columns: Iterable[str]) -> set[str]:
    """Return the columns that may belong to another table, without their mark."""
    return {each.removeprefix(PERHAPS) for each in columns if each.startswith(PERHAPS)}


def count_leading(columns: Iterable[str]) -> int:
    """Return how many of the first columns are needed by position."""
    counts = (int(each.removeprefix(_LEADING)) for each in columns if each.startswith(_LEADING))
    return max(counts, default=0)


def not_wanted(columns: Iterable[str]) -> set[str] | None:
    """Return the names that no new column may have; None if none may be added."""
    marked = {each for each in columns if each.startswith(_WITHOUT)}
    return None if NO_MORE in marked else {each.removeprefix(_WITHOUT) for each in marked}


def inherited(columns: Iterable[str]) -> set[str]:
    """Return the marks that apply to every table whose `*` is selected."""
    return {each for each in columns if each == WHOLE or each.startswith(_WITHOUT)}
