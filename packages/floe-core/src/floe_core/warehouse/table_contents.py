"""Fingerprint tables where they are, whatever the order of their rows."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_core.warehouse.connection import Warehouse, open_warehouse
from floe_core.warehouse.dialects import Relation, quoted
from floe_core.warehouse.duckdb_file import duckdb_file


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


def read_tables(artifacts: CompiledArtifacts) -> dict[str, TableContents]:
    """Return node id -> contents of what a product has built; a DuckDB file that isn't has none.

    The dbt sources that its steps write are among them.

    Raises:
        UsageError: The warehouse is of a kind whose tables can't be compared.
        EnvironmentProblemError: It can't be read.
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
    """Return where a node's table is."""
    return Relation(node.schema_name, node.identifier)


def volatile_columns(node: Node) -> frozenset[str]:
    """Return the columns that two runs may fill differently, in lower case."""
    return frozenset(column.name.lower() for column in node.columns if column.volatile)


def contents(
    warehouse: Warehouse, relation: Relation, volatile: Container[str] = frozenset()
) -> TableContents:
    """Return the fingerprint of a table or view, read once and summed in the warehouse.

    A sum of hashes does not depend on the order of rows, counts a row that is there twice twice,
    and two different tables agree on it by chance once in 2**64.
    """
    columns = warehouse.columns(relation)
    if not columns:
        return TableContents(missing=True)
    steady = {n: kind for n, kind in columns if n.lower() not in volatile}
    rows, row_hash, *sums = _sums(warehouse, relation, steady)
    by_name = dict(zip(steady, sums, strict=True))
    return TableContents(rows, tuple((n, k, by_name.get(n, 0)) for n, k in columns), row_hash)


def _sums(warehouse: Warehouse, relation: Relation, columns: dict[str, str]) -> list[int]:
    """Return the number of rows, the sum of their hashes, and one of each column's."""
    dialect = warehouse.dialect
    place = dialect.place(relation)
    if not columns:
        return [int(warehouse.rows(f"select count(*) from {place}")[0][0]), 0]
    hashes = {name: f"h{number}" for number, name in enumerate(columns)}
    inner = ", ".join(
        f"{dialect.value_hash(quoted(name), kind)} as {hashes[name]}"
        for name, kind in columns.items()
    )
    # By name, so that another order of columns is a difference of its own.
    whole_row = dialect.row_hash([hashes[name] for name in sorted(columns)])
    # As texts: they outgrow what drivers read as a number.
    outer = ", ".join(
        f"cast(coalesce(sum({each}), 0) as varchar)" for each in (whole_row, *hashes.values())
    )
    found = warehouse.rows(
        f"select count(*), {outer} from (select {inner} from {place}{dialect.fence}) as hashed"
    )
    return [int(value) for value in found[0]]
