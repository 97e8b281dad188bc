"""Fingerprint tables inside the warehouse, and describe how those of two sides differ."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_core.warehouse.connection import open_warehouse
from floe_core.warehouse.dialect import Dialect, Relation
from floe_core.warehouse.duckdb_file import duckdb_file
from floe_core.warehouse.warehouse import Warehouse

Columns = Sequence[tuple[str, str]]
Rows = tuple[int, int]
# Tables in one query; more make the query slower to plan.
_AT_ONCE = 10


@dataclass(frozen=True, slots=True)
class TableContents:
    """A table's number of rows; each column's name, type and sum of its values' hashes.

    `row_hash` is the sum of the hashes of whole rows: equal columns may still be paired
    differently. A column that is declared volatile has a hash of 0, and is left out of `row_hash`.
    `missing`: the table does not exist; then the rest is empty.
    """

    rows: int = 0
    columns: tuple[tuple[str, str, int], ...] = ()
    row_hash: int = 0
    missing: bool = False


def read_tables(artifacts: CompiledArtifacts) -> dict[str, TableContents]:
    """Return node id -> contents of a product's tables; {} if its DuckDB file does not exist.

    Includes the dbt sources that the product's steps write.

    Raises:
        UsageError: The tables are in no DuckDB file, but in memory.
        EnvironmentProblemError: The warehouse can't be read.
    """
    file = duckdb_file(artifacts.dbt.profile, artifacts.folder)
    if file is not None and not file.exists():
        return {}
    written = {source for step in artifacts.steps for source in step.sources}
    with open_warehouse(artifacts.dbt, artifacts.folder) as warehouse:
        return {
            node.unique_id: contents(warehouse, relation_of(node), volatile_columns(node))
            for node in artifacts.nodes
            if node.is_relation or node.unique_id in written
        }


def relation_of(node: Node) -> Relation:
    """Return a node's relation."""
    return Relation(node.schema_name, node.identifier)


def volatile_columns(node: Node) -> frozenset[str]:
    """Return the columns that two runs may fill differently, in lower case."""
    return frozenset(column.name.lower() for column in node.columns if column.volatile)


def contents(
    warehouse: Warehouse, relation: Relation, volatile: Container[str] = frozenset()
) -> TableContents:
    """Return the fingerprint of a table or view, read once and summed in the warehouse.

    A sum of hashes does not depend on the order of rows, counts duplicate rows, and is the same for
    two different tables by chance once in 2**64.
    """
    columns = warehouse.columns(relation)
    if not columns:
        return TableContents(missing=True)
    steady = {n: kind for n, kind in columns if n.lower() not in volatile}
    rows, row_hash, *sums = _sums(warehouse, relation, steady)
    by_name = dict(zip(steady, sums, strict=True))
    return TableContents(rows, tuple((n, k, by_name.get(n, 0)) for n, k in columns), row_hash)


def _sums(warehouse: Warehouse, relation: Relation, columns: dict[str, str]) -> list[int]:
    """Return the number of rows, the sum of their hashes, and the sum for each column."""
    dialect = warehouse.dialect
    place = dialect.place(relation)
    if not columns:
        return [int(warehouse.rows(f"select count(*) from {place}")[0][0]), 0]
    hashes = {name: f"h{number}" for number, name in enumerate(columns)}
    inner = ", ".join(
        f"{dialect.value_hash(dialect.quote_name(name), kind)} as {hashes[name]}"
        for name, kind in columns.items()
    )
    # Sorted by name, so that a different order of columns does not change the rows' hashes.
    whole_row = dialect.row_hash([hashes[name] for name in sorted(columns)])
    outer = ", ".join(dialect.total(each) for each in (whole_row, *hashes.values()))
    found = warehouse.rows(
        f"select count(*), {outer} from (select {inner} from {place}{dialect.fence}) as hashed"
    )
    return [int(value) for value in found[0]]


def hashes_of_rows(
    warehouse: Warehouse, tables: Mapping[Relation, Columns]
) -> dict[Relation, Rows]:
    """Return the number of rows of relations with these columns, and the sum of their hashes.

    This is a part of what `contents` returns, in a fifth of the time for small tables. Relations
    that cannot be read are left out.
    """
    found: dict[Relation, Rows] = {}
    relations = list(tables)
    for start in range(0, len(relations), _AT_ONCE):
        some = relations[start : start + _AT_ONCE]
        found |= _hashes(warehouse, {relation: tables[relation] for relation in some})
    return found


def _hashes(warehouse: Warehouse, tables: Mapping[Relation, Columns]) -> dict[Relation, Rows]:
    relations = list(tables)
    queries = [
        _select_hash(warehouse.dialect, number, relation, columns)
        for number, (relation, columns) in enumerate(tables.items())
    ]
    try:
        rows = warehouse.rows(" union all ".join(queries))
    except EnvironmentProblemError:
        if len(tables) == 1:
            return {}
        alone = (_hashes(warehouse, {relation: tables[relation]}) for relation in relations)
        return {relation: content for each in alone for relation, content in each.items()}
    return {relations[number]: (int(count), int(summed)) for number, count, summed in rows}


def _select_hash(dialect: Dialect, number: int, relation: Relation, columns: Columns) -> str:
    hashes = [dialect.value_hash(dialect.quote_name(name), kind) for name, kind in sorted(columns)]
    total = dialect.total(dialect.row_hash(hashes)) if hashes else "'0'"
    return f"select {number}, count(*), {total} from {dialect.place(relation)}"


Names = tuple[str, str]


def table_differences(
    names: Names, left: TableContents | None, right: TableContents | None
) -> list[str]:
    """Return the differences with the sides' names; [] if the tables are equal or both absent."""
    if left == right:
        return []
    if left is None or right is None or left.missing or right.missing:
        absent = names[0] if left is None or left.missing else names[1]
        return [f"no table on {absent}"]
    found = [*column_differences(names, left, right), *_rows(names, left, right)]
    return found or ["contents differ in how the columns' values are paired"]


def column_differences(names: Names, left: TableContents, right: TableContents) -> Iterator[str]:
    """Yield columns that are missing on a side, have another type or are in another order."""
    ours, theirs = _types(left), _types(right)
    for missing, here, name in ((ours, theirs, names[0]), (theirs, ours, names[1])):
        for column in here:
            if column not in missing:
                yield f"no column {column} on {name}"
    both = [column for column in ours if column in theirs]
    for column in both:
        if ours[column] != theirs[column]:
            one, two = f"{ours[column]} on {names[0]}", f"{theirs[column]} on {names[1]}"
            yield f"{column} is {one}, {two}"
    if both != [column for column in theirs if column in ours]:
        yield f"columns in another order on {names[1]}"


def _rows(names: Names, left: TableContents, right: TableContents) -> Iterator[str]:
    if left.rows != right.rows:
        noun = "row" if left.rows == 1 else "rows"
        yield f"{left.rows} {noun} on {names[0]}, {right.rows} on {names[1]}"
        return
    # Values of different types hash differently, so for these only the types are reported.
    theirs = {(name, kind): total for name, kind, total in right.columns}
    differing = [n for n, kind, total in left.columns if theirs.get((n, kind), total) != total]
    if differing:
        yield f"contents differ in {', '.join(differing)}"


def _types(table: TableContents) -> dict[str, str]:
    return {name: kind for name, kind, _ in table.columns}
