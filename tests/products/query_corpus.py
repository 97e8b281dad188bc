"""Queries written by hand, one a line: those of every warehouse, and those of each one's own SQL."""

from __future__ import annotations

from functools import cache
from itertools import chain
from pathlib import Path

FOLDER = Path(__file__).with_name("written_queries")
DIALECTS = ("duckdb", "postgres", "sqlite")


@cache
def queries_of(dialect: str) -> dict[str, list[str]]:
    """Return heading -> queries, of those that a warehouse runs."""
    return {**_read("any", "any: "), **_read(dialect)}


def all_queries_of(dialect: str) -> list[str]:
    """Return the queries that a warehouse runs."""
    return list(chain.from_iterable(queries_of(dialect).values()))


@cache
def listed(name: str, dialect: str) -> list[str]:
    """Return the queries that a file lists for a warehouse."""
    return _read(name).get(dialect, [])


def _read(name: str, before: str = "") -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (FOLDER / f"{name}.sql").read_text("utf-8").splitlines():
        if line.startswith("-- "):
            found[before + line[3:]] = queries = []
        elif line:
            queries.append(line)
    return {heading: queries for heading, queries in found.items() if queries}
