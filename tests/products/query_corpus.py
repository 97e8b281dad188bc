"""Queries written by hand, one a line: those of every warehouse, and those of each one's own SQL.

Marks after `--:` say where floe knows less of a query: `read whole` if it does not tell the columns
apart, `not all in lineage` if lineage lacks some of what a column reads. In the queries of every
warehouse, a mark names those for which it holds.
"""

from __future__ import annotations

from functools import cache
from itertools import chain
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).with_name("written_queries")
DIALECTS = ("duckdb", "postgres", "sqlite")
OF_ALL = "any"


class WrittenQuery(NamedTuple):
    """A query, and mark -> the warehouses for which it holds."""

    text: str
    marks: dict[str, tuple[str, ...]]


def queries_of(dialect: str) -> dict[str, list[str]]:
    """Return heading -> queries, of those that a warehouse runs."""
    return {heading: [each.text for each in found] for heading, found in _read(dialect).items()}


def all_queries_of(dialect: str) -> list[str]:
    """Return the queries that a warehouse runs."""
    return list(chain.from_iterable(queries_of(dialect).values()))


def marked(mark: str, dialect: str) -> list[str]:
    """Return the queries that have a mark for a warehouse."""
    found = chain.from_iterable(_read(dialect).values())
    return [each.text for each in found if dialect in each.marks.get(mark, ())]


@cache
def _read(dialect: str) -> dict[str, list[WrittenQuery]]:
    of_all = {f"{OF_ALL}: {heading}": found for heading, found in _read_file(OF_ALL).items()}
    return {**of_all, **_read_file(dialect)}


def _read_file(name: str) -> dict[str, list[WrittenQuery]]:
    found: dict[str, list[WrittenQuery]] = {}
    for line in (FOLDER / f"{name}.sql").read_text("utf-8").splitlines():
        if line.startswith("-- "):
            found[line[3:]] = queries = []
        elif line:
            text, _, marks = line.partition("  --: ")
            queries.append(WrittenQuery(text, _marks(marks, name)))
    return {heading: queries for heading, queries in found.items() if queries}


def _marks(text: str, name: str) -> dict[str, tuple[str, ...]]:
    parts = (each.partition(": ") for each in text.split("; ") if each)
    return {mark: tuple(named.split(", ")) if named else (name,) for mark, _, named in parts}
