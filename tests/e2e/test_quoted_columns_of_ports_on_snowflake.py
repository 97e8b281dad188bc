"""Columns of ports in quotes on Snowflake, which makes names without quotes upper case.

fakesnow, which answers Snowflake's adapter, imitates Snowflake with DuckDB.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from mesh_products import Mesh
from other_warehouses import Warehouse, opened

QUOTED = """\
models:
  - name: dim_customers
    config: {contract: {enforced: true}, materialized: table}
    columns:
      - {name: Id, quote: true, data_type: integer}
      - {name: name, data_type: text}
"""
REF = "from {{ ref('crm', 'dim_customers') }}"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with opened("snowflake", tmp_path_factory.mktemp("snowflake")) as found:
        yield found


@pytest.fixture
def mesh(tmp_path: Path, warehouse: Warehouse) -> Mesh:
    compute = warehouse.compute(tmp_path / "x").replace("schema: of_x", 'schema: "{product_slug}"')
    made = Mesh(tmp_path, "dagster", compute=compute)
    (made.folder / "crm" / "models" / "properties.yml").write_text(QUOTED)
    made.write_model("crm", "dim_customers", "select 7 as \"Id\", 'ada'::text as name")
    made.write_model("marts", "revenue", "select 1 as one")
    for product in ("crm", "billing"):
        warehouse.call("floe", "compile", cwd=made.folder / product, codes=(0,))
    return made


def test_a_consumer_that_quotes_such_a_column_compiles_and_runs(
    mesh: Mesh, warehouse: Warehouse
) -> None:
    marts = mesh.folder / "marts"
    mesh.write_model("marts", "stg_customers", f'select "Id" as number, "NAME" as name {REF}')
    warehouse.call("floe", "compile", cwd=marts, codes=(0,))
    compiled = json.loads((marts / "compiled_artifacts.json").read_text())
    read = {port["port"]: port.get("columns_read") for port in compiled["input_ports"]}
    assert read["customers"] == ['"Id"', "name"]
    for product in ("crm", "marts"):
        warehouse.call("floe", "run", cwd=mesh.folder / product, codes=(0,))
    assert warehouse.rows(marts, "select number, name from marts.stg_customers") == [(7, "ada")]


@pytest.mark.parametrize(
    ("sql", "place", "what"),
    [
        (f"select\n  id {REF}", "2:3", "id"),
        (f"select Id {REF}", "1:8", "id"),
        (f'select "name" {REF}', "1:9", '"name"'),
    ],
)
def test_a_consumer_that_reads_another_case_is_refused_where_it_does(
    mesh: Mesh, warehouse: Warehouse, sql: str, place: str, what: str
) -> None:
    mesh.write_model("marts", "stg_customers", sql)
    with pytest.raises(AssertionError) as refused:
        warehouse.call("floe", "compile", cwd=mesh.folder / "marts", codes=(0,))
    told = str(refused.value)
    assert f"models/stg_customers.sql:{place}: " in told
    assert f"column '{what}'" in told
