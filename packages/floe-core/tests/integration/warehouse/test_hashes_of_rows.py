"""Hashes of many tables at once are those of each by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from floe_core.compiler import compile_product
from floe_core.schemas import CompiledArtifacts
from floe_core.warehouse.connection import open_warehouse
from floe_core.warehouse.dialect import Relation
from floe_core.warehouse.table_contents import contents, hashes_of_rows


@pytest.mark.quick
def test_many_tables_at_once_have_the_hashes_of_each_by_itself(
    write_product: Callable[..., Path],
) -> None:
    folder = write_product(first="select 1 as id")
    compile_product(folder)
    kinds = ["int", "double", "varchar", "interval", "int[]", "timestamptz", "decimal(9, 2)"]
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        for number in range(23):
            kind = kinds[number % len(kinds)]
            columns = f'"z {number}" int, b {kind}, "A" varchar'
            connection.execute(f"create table t{number} ({columns})")
            if number % 5:
                rows = ", ".join(f"({n}, null, 'ä{n}')" for n in range(number))
                connection.execute(f"insert into t{number} values {rows}")
        connection.execute("create table gone (id int); create view broken as select id from gone")
        connection.execute("drop table gone")
    artifacts = CompiledArtifacts.load(folder)
    with open_warehouse(artifacts.dbt, folder) as warehouse:
        relations = [Relation("main", f"t{number}") for number in range(23)]
        tables = {relation: warehouse.columns(relation) for relation in relations}
        unreadable = {Relation("main", "broken"): [("id", "INTEGER")]}
        found = hashes_of_rows(warehouse, {**unreadable, **tables})
        each = {relation: contents(warehouse, relation) for relation in relations}
    assert found == {relation: (held.rows, held.row_hash) for relation, held in each.items()}
    assert len({*found.values()}) > 15
