"""Columns of ports in quotes: on PostgreSQL, `"Id"` is another column than `id`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from mesh_products import Mesh
from own_database import SERVER, compute, own_database, rows

from floe_core.compiler import compile_product
from floe_core.execution import BuildEnded, BuildRequest, build
from floe_core.foundation.errors import InvalidProductError
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

QUOTED = """\
models:
  - name: dim_customers
    config: {contract: {enforced: true}, materialized: table}
    columns:
      - {name: Id, quote: true, data_type: integer}
      - {name: Name, data_type: text}
"""
REF = "from {{ ref('crm', 'dim_customers') }}"


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("FLOE_TEST_PASSWORD", str(SERVER["password"]))
    with own_database() as name:
        yield name


@pytest.fixture
def mesh(tmp_path: Path, database: str) -> Mesh:
    place = compute(database, '"{product_slug}"')
    made = Mesh(tmp_path, compute=f"{{{place}}}")
    (made.folder / "crm" / "models" / "properties.yml").write_text(QUOTED)
    made.write_model("crm", "dim_customers", "select 7 as \"Id\", 'ada'::text as name")
    made.write_model("marts", "revenue", "select 1 as one")
    made.write_model("marts", "stg_customers", f'select "Id" as number, NAME {REF}')
    made.compile("crm", "billing")
    return made


def run(artifacts: CompiledArtifacts) -> bool:
    name = artifacts.product.name
    last = list(build(artifacts, BuildRequest(name, name)))[-1]
    assert isinstance(last, BuildEnded)
    return last.succeeded


def test_a_consumer_that_quotes_such_a_column_compiles_and_runs(mesh: Mesh, database: str) -> None:
    marts = mesh.compile("marts")["marts"]
    assert marts.input_ports[0].columns_read == ('"Id"', "name")
    assert run(mesh.artifacts("crm"))
    assert run(marts)
    assert rows(database, "select number, name from marts.stg_customers") == [(7, "ada")]


@pytest.mark.parametrize(
    ("sql", "place", "what"),
    [
        (f"select\n  id {REF}", "2:3", "id"),
        (f"select c.Id {REF} as c", "1:10", "id"),
        (f'select "ID" {REF}', "1:9", '"ID"'),
        (f'with c as (select * {REF})\nselect id from c where "Id" > 1', "2:8", "id"),
    ],
)
def test_a_consumer_that_reads_another_case_is_refused_where_it_does(
    mesh: Mesh, sql: str, place: str, what: str
) -> None:
    mesh.write_model("marts", "stg_customers", sql)
    with pytest.raises(InvalidProductError) as found:
        compile_product(mesh.folder / "marts")
    [problem] = found.value.problems
    at = f"models/stg_customers.sql:{place}: "
    assert str(problem).startswith(at)
    assert f"column '{what}'" in str(problem)
    assert str(problem).endswith("""fix: did you mean '"Id"'?""")


def test_floe_yaml_expects_a_column_by_its_name_in_the_warehouse(mesh: Mesh) -> None:
    file = mesh.folder / "marts" / "floe.yaml"
    expected = "port: customers, version: 1, columns: {Id: integer, NAME: text}"
    file.write_text(file.read_text().replace("port: customers, version: 1", expected))
    marts = mesh.compile("marts")["marts"]
    assert marts.input_ports[0].columns_read == ('"Id"', "name")
    file.write_text(file.read_text().replace("Id: integer", "id: integer"))
    with pytest.raises(InvalidProductError, match=r"has no column 'id'"):
        compile_product(mesh.folder / "marts")
