"""`floe run --verify` builds reused nodes again, and finds what reuse could not see."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from own_database import SERVER, compute, connected, own_database, rows
from reusing_product import FLOE
from warm_floe import floe

MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: dagster}
  compute: {type: duckdb}
"""
SOURCES = """\
sources:
  - {name: raw, schema: main, loaded_at_field: loaded_at, tables: [{name: orders}]}
"""
MODELS = {
    "amounts": "{{ config(materialized='table') }} select amount from {{ source('raw', 'orders') }}",
    "ids": "{{ config(materialized='table') }} select id from {{ source('raw', 'orders') }}",
    "seen": "select sum(amount) as total from {{ ref('amounts') }}",
}
SCHEMAS = "select nspname from pg_namespace where nspname !~ '^pg_' order by 1"
RUN = ("--reuse", "--verify", "100%")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    (folder / "models").mkdir(parents=True)
    (folder / "floe.yaml").write_text(FLOE)
    (folder / "manifest.yaml").write_text(MANIFEST)
    (folder / "dbt_project.yml").write_text("name: shop\nversion: 1.0.0\nprofile: shop\n")
    (folder / "models" / "sources.yml").write_text(SOURCES)
    for name, sql in MODELS.items():
        (folder / "models" / f"{name}.sql").write_text(sql)
    execute(folder, "create table orders as select 1 as id, 10 as amount, 1 as loaded_at")
    return folder


def execute(folder: Path, sql: str) -> None:
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        connection.execute(sql)


def schemas(folder: Path) -> set[str]:
    with duckdb.connect(str(folder / "shop.duckdb"), read_only=True) as connection:
        sql = "select distinct schema_name from duckdb_tables()"
        return {str(name) for (name,) in connection.execute(sql).fetchall()}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("orchestrator", ["dagster", "airflow", "prefect"])
def test_a_broken_promise_of_a_source_is_found_and_named(orchestrator: str, shop: Path) -> None:
    (shop / "manifest.yaml").write_text(MANIFEST.replace("dagster", orchestrator))
    assert floe("run", shop).returncode == 0
    done = floe("run", shop, *RUN, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)["verification"]
    assert (len(found["verified"]), found["differing"], found["failures"]) == (3, {}, {})
    # Its `loaded_at_field` says that nothing is new.
    execute(shop, "update orders set amount = 11")
    done = floe("run", shop, *RUN, "--json")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert report["status"] == "success"
    assert set(report["nodes"].values()) == {"reused"}
    found = report["verification"]["differing"]
    assert set(found) == {"model.shop.amounts", "model.shop.seen"}
    assert found["model.shop.amounts"].startswith("reused: unchanged since run ")
    told = floe("run", shop, *RUN)
    assert told.returncode == 1
    assert "amounts was reused, and a build of it comes to other rows" in told.stdout
    assert schemas(shop) == {"main"}


def test_a_broken_promise_is_found_on_postgres(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOE_TEST_PASSWORD", SERVER["password"])
    with own_database() as database:
        on_postgres = f"{{{compute(database, 'main')}}}"
        (shop / "manifest.yaml").write_text(MANIFEST.replace("{type: duckdb}", on_postgres))
        change(database, "create schema main")
        change(database, "create table main.orders as select 1 id, 10 amount, now() loaded_at")
        assert floe("run", shop).returncode == 0
        before = rows(database, SCHEMAS)
        assert floe("run", shop, *RUN).returncode == 0
        change(database, "update main.orders set amount = 11")
        done = floe("run", shop, *RUN, "--json")
        assert done.returncode == 1, done.stdout + done.stderr
        report = json.loads(done.stdout)
        assert set(report["nodes"].values()) == {"reused"}
        assert set(report["verification"]["differing"]) == {
            "model.shop.amounts",
            "model.shop.seen",
        }
        assert rows(database, SCHEMAS) == before


def change(database: str, sql: str) -> None:
    with closing(connected(database)) as opened, opened.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--verify", "0"), "'0' is not a percentage"),
        (("--verify", "half"), "'half' is not a percentage"),
        (("--verify", "5%", "--full-refresh"), "leave out --full-refresh"),
        (("--verify", "5", "--backfill", "2026-01-01", "2026-01-02"), "leave out --backfill"),
    ],
)
def test_what_cannot_be_verified_is_refused(
    arguments: tuple[str, ...], problem: str, shop: Path
) -> None:
    done = floe("run", shop, *arguments)
    assert done.returncode == 2
    assert problem in done.stderr
