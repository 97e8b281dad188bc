"""The corpus of queries with their truth, and how much of it a derivation finds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from floe_core.sql.columns.known_tables import KnownTable
from floe_core.sql.columns.origins import Origins
from floe_core.sql.query_columns import derive

_INDIRECT = {"CONDITIONAL", "FILTER", "GROUP_BY", "JOIN", "SORT", "WINDOW"}

Claim = tuple[str, str, str]  # column of the result ("" for its rows), step, column of a table


@dataclass(frozen=True)
class Query:
    """One query. `columns` are all that it gives, in order; `truth` is where they come from."""

    name: str
    sql: str
    dialect: str
    columns: tuple[str, ...]
    truth: frozenset[Claim]
    creates: str = ""

    def claims(self) -> frozenset[Claim]:
        """Return what the derivation says of it."""
        derived = derive(self.sql, self.dialect, known_tables())
        found = {claim for name, origins in derived.columns for claim in _claims(name, origins)}
        return frozenset(found | set(_claims("", derived.effects)))


@cache
def _corpus() -> Any:
    return YAML(typ="safe").load(Path(__file__).with_name("corpus.yaml"))


def tables() -> dict[str, dict[str, str]]:
    """Return table -> column -> type, as they really are."""
    return {name: table["has"] for name, table in _corpus()["tables"].items()}


def known_tables() -> list[KnownTable]:
    """Return the tables as lineage knows them."""
    return [
        KnownTable(name, tuple(table["has"]), is_complete=True)
        if table["told"] == "all"
        else KnownTable(name, tuple(table["told"]))
        for name, table in _corpus()["tables"].items()
    ]


def queries() -> list[Query]:
    """Return the queries of the corpus."""
    return [_query(entry) for entry in _corpus()["queries"]]


def hard_queries() -> list[Query]:
    """Return the queries of `hard.yaml`."""
    hard = YAML(typ="safe").load(Path(__file__).with_name("hard.yaml"))
    return [_query(entry) for entry in hard["queries"]]


def _query(entry: dict[str, Any]) -> Query:
    truth = {claim for name, text in entry["columns"].items() for claim in _told(name, text)}
    return Query(
        entry["name"],
        entry["sql"],
        entry.get("dialect", "duckdb"),
        tuple(entry["columns"]),
        frozenset(truth | set(_told("", entry.get("rows", "")))),
        entry.get("creates", ""),
    )


def _told(column: str, text: str) -> list[Claim]:
    claims = []
    for each in filter(None, text.split(", ")):
        step, _, origin = each.rpartition(" ")
        claims.append((column, step or "IDENTITY", origin))
    return claims


def _claims(column: str, origins: Origins) -> list[Claim]:
    claims = []
    for origin, transformations in origins.items():
        for kind, subtype in transformations:
            assert (kind == "INDIRECT") == (subtype in _INDIRECT)
            claims.append((column, subtype, ".".join(origin)))
    return claims
