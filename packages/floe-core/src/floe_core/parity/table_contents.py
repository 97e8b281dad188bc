"""Fingerprint the tables that a run left, whatever the order of their rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from floe_core.schemas.nodes import Node

NOTHING = "null"


@dataclass(frozen=True, slots=True)
class TableContents:
    """A table's number of rows; each column's name, type and sum of its values' hashes.

    `row_hash` is the sum of the hashes of whole rows: equal columns may still be paired otherwise.
    A column that is declared volatile has a hash of 0, and no part in the rows'. `missing` is a
    table that is not there; then the rest is empty.
    """

    rows: int = 0
    columns: tuple[tuple[str, str, int], ...] = ()
    row_hash: int = 0
    missing: bool = False


def read_tables(warehouse: Path, nodes: Iterable[Node]) -> dict[str, TableContents]:
    """Return node id -> contents, read from a DuckDB file that nobody writes to now.

    A sum of hashes does not depend on the order of rows, and two different tables agree on it by
    chance once in 2**64.
    """
    import duckdb

    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return {node.unique_id: _contents(connection, node) for node in nodes if node.is_relation}


def _contents(connection: object, node: Node) -> TableContents:
    import duckdb

    assert isinstance(connection, duckdb.DuckDBPyConnection)
    relation = f"{_quoted(node.schema_name)}.{_quoted(node.identifier)}"
    try:
        described = connection.execute(f"describe {relation}").fetchall()
    except duckdb.CatalogException:
        return TableContents(missing=True)
    volatile = {column.name.lower() for column in node.columns if column.volatile}
    names = [_quoted(n) if n.lower() not in volatile else NOTHING for n, *_ in described]
    steady = [name for name in names if name != NOTHING] or [NOTHING]
    totals_of = [_sum_of_hashes(name) if name != NOTHING else "0" for name in names]
    hashes = ", ".join([*totals_of, _sum_of_hashes(", ".join(steady))])
    counted = connection.execute(f"select count(*), {hashes} from {relation}").fetchone()
    assert counted is not None
    rows, *totals, row_hash = (int(value) for value in counted)
    columns = zip(described, totals, strict=True)
    return TableContents(
        rows, tuple((str(d[0]), str(d[1]), total) for d, total in columns), row_hash
    )


def _sum_of_hashes(value: str) -> str:
    """Return the sum as text: it outgrows what Python's driver reads as a number."""
    return f"coalesce(sum(hash({value})::hugeint), 0)::varchar"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
