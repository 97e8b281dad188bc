"""Products that feed each other on PostgreSQL: beside plain dbt of each, which psycopg2 reads."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mesh_products import PRODUCTS, Mesh
from own_database import SERVER, compute, own_database, rows
from warm_floe import dbt

BIN = Path(sys.executable).parent
SCHEMAS = "select nspname from pg_namespace where nspname !~ '^pg_|^information_schema$' order by 1"
# What no two sides build alike.
PLANTED = "select 1 as invoice_id, 1 as customer_id, random() as amount"


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("FLOE_TEST_PASSWORD", SERVER["password"])
    with own_database() as name:
        yield name


def write_mesh(folder: Path, database: str) -> Mesh:
    place = compute(database, '"{product_slug}"')
    mesh = Mesh(folder, "dagster", compute=f"{{{place}}}")
    mesh.compile()
    shutil.copy(folder / "manifest-crm.yaml", folder / "manifest.yaml")
    return mesh


def parity(mesh: Mesh, *arguments: str) -> tuple[int, dict]:
    command = [BIN / "floe", "parity", mesh.folder, *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    assert "started elsewhere" not in done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.slow
def test_a_mesh_is_the_same_on_all_sides_and_as_plain_dbt_of_each(
    database: str, tmp_path: Path
) -> None:
    mesh = write_mesh(tmp_path / "mesh", database)
    places = ("--place", "crm=prefect", "--place", "marts=airflow")
    code, found = parity(mesh, "--on", "dbt", "--on", "dagster", *places)
    assert (code, found["equal"]) == (0, True), found
    assert rows(database, SCHEMAS) == [("public",)], "no side has left anything, or run elsewhere"
    for product in PRODUCTS:
        dbt("build", "--profiles-dir", ".", cwd=mesh.folder / product, FLOE_PROJECT_DIR=".")
    for node in ("model.marts.stg_customers", "model.marts.revenue"):
        [(count,)] = rows(database, f"select count(*) from marts.{node.rpartition('.')[2]}")
        assert found["products"]["marts"]["nodes"][node]["rows"] == count == 1
    assert rows(database, "select name, amount from marts.revenue") == [("ada", 10.5)]


def test_a_planted_difference_is_found_where_it_is_and_below(database: str, tmp_path: Path) -> None:
    mesh = write_mesh(tmp_path / "mesh", database)
    mesh.write_model("billing", "fct_invoices", PLANTED)
    code, found = parity(mesh, "--on", "dbt", "--on", "dagster")
    assert code == 1
    differing = {
        node_id
        for product in found["products"].values()
        for node_id, node in product["nodes"].items()
        if node["differences"]
    }
    assert differing == {"model.billing.fct_invoices", "model.marts.revenue"}
    assert rows(database, SCHEMAS) == [("public",)]


def test_a_table_that_another_product_builds_is_read_by_a_port_or_not_at_all(
    database: str, tmp_path: Path
) -> None:
    mesh = write_mesh(tmp_path / "mesh", database)
    (mesh.folder / "marts" / "models" / "raw.yml").write_text(
        "sources: [{name: past, schema: crm, tables: [{name: dim_customers}]}]\n"
    )
    mesh.write_model("marts", "past", "select * from {{ source('past', 'dim_customers') }}")
    command = [BIN / "floe", "parity", mesh.folder, "--on", "dbt", "--on", "dagster"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert (
        "models/raw.yml: source.marts.past.dim_customers is built by crm, and would be read from "
        "'crm' and not from this side's schemas\nfix: read it by an input port"
    ) in done.stderr
    assert rows(database, SCHEMAS) == [("public",)]
