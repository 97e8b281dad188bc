"""`floe parity` on SQLite, Snowflake's adapter, ClickHouse and Spark: equal sides, nothing left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from other_warehouses import (
    Warehouse,
    clickhouse,
    fake_snowflake,
    local_spark,
    sqlite,
    write_kinds,
)
from portable_example import write_example
from wait_for import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SCHEMAS = "select schema_name from information_schema.schemata"
ON = ("--on", "dbt", "--on", "dagster")


def compared(
    warehouse: Warehouse, product: Path, on: tuple[str, ...] = ON
) -> tuple[dict[str, Any], str]:
    """Return what parity prints as JSON, and what it says beside that."""
    done = subprocess.run(
        [warehouse.programs / "floe", "parity", product, *on, "--json"],
        env={**os.environ, **warehouse.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return json.loads(done.stdout), done.stderr


def assert_equal(told: dict[str, Any]) -> None:
    assert told["equal"], told
    # The node that asks for a missing column fails on both.
    assert {run["status"] for run in told["runs"].values()} == {"failed"}
    rows = {i.split(".")[-1]: node["rows"] for i, node in told["nodes"].items() if node["rows"]}
    assert rows.items() >= {"people": 3, "viewed": 3, "built": 3, "added": 3}.items()


def test_sqlite_sides_are_equal_and_the_products_folder_stays(tmp_path: Path) -> None:
    warehouse = sqlite(tmp_path / "own")
    product = write_kinds(tmp_path / "kinds", warehouse)
    before = {path for path in product.rglob("*") if ".floe" not in path.parts}
    told, _ = compared(warehouse, product)
    assert_equal(told)
    assert {path for path in product.rglob("*") if ".floe" not in path.parts} == before


@pytest.fixture(scope="module")
def snowflake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with fake_snowflake(tmp_path_factory.mktemp("snowflake")) as found:
        yield found


def schemas(warehouse: Warehouse, product: Path) -> set[str]:
    return {name for (name,) in warehouse.rows(product, SCHEMAS)}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """Return ClickHouse, whose tables are read by copies: floe has no SQL for it."""
    with clickhouse(tmp_path_factory.mktemp("clickhouse")) as found:
        yield found


@pytest.mark.parametrize("kind", ["snowflake", "house"])
def test_what_a_killed_run_left_is_dropped_by_the_next(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    warehouse: Warehouse = request.getfixturevalue(kind)
    product = write_kinds(tmp_path / "kinds", warehouse)
    before = schemas(warehouse, product)
    killed = subprocess.Popen(
        [warehouse.programs / "floe", "parity", product, *ON],
        env={**os.environ, **warehouse.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_for(lambda: bool(schemas(warehouse, product) - before), 120)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    [left] = schemas(warehouse, product) - before
    assert left.lower().startswith("floe_parity_")
    told, said = compared(warehouse, product)
    assert f"dropped the schema {left}, left by a parity run" in " ".join(said.split())
    assert_equal(told)
    assert schemas(warehouse, product) == before


def test_what_is_planted_on_clickhouse_is_found(house: Warehouse, tmp_path: Path) -> None:
    product = write_kinds(tmp_path / "kinds", house)
    (product / "models" / "planted.sql").write_text(
        "select id, '{{ target.schema }}' as place from {{ ref('people') }}\n"
    )
    told, _ = compared(house, product)
    assert differing(told) == {"planted": ["contents differ in place"]}


# What parity must find as it is: a source, and tables of production.
IN_PRODUCTION = (
    "create schema raw",
    "create table raw.loaded as select 5 as id",
    "create schema {0}",
    "create table {0}.greetings as select 7 as id, 'of production' as greeting",
)
SOURCE = {
    "models/sources.yml": "sources: [{name: raw, schema: raw, tables: [{name: loaded}]}]\n",
    "models/of_source.sql": "select id from {{ source('raw', 'loaded') }}\n",
}
# The name of a side's own schema as a value is a difference by intention.
PLANTED = {
    "models/planted.sql": "select id, '{{ target.schema }}' as place from {{ ref('stg_people') }}\n"
}


ROWS = {"people": 3, "stg_people": 3, "greetings": 3, "of_source": 1}
ON_SPARK = ("--on", "dagster", "--on", "airflow")


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return local_spark(tmp_path_factory.mktemp("spark"))


@pytest.fixture(scope="module")
def hello(session: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the example with a source, beside tables of production."""
    product = write_example("hello", tmp_path_factory.mktemp("hello"), "spark", session)
    for name, text in SOURCE.items():
        (product / name).write_text(text)
    program = session.reader(product).rpartition("print(")[0]
    program += "for statement in json.loads(sys.argv[1]):\n    session.sql(statement)\n"
    statements = [each.format(session.schema(product)) for each in IN_PRODUCTION]
    session.call("python", "-c", program, json.dumps(statements), cwd=product, codes=(0,))
    return product


def of_production(session: Warehouse, product: Path) -> list[list[tuple[Any, ...]]]:
    """Return the schemas, and the rows of production's table."""
    greetings = f"select id, greeting from {session.schema(product)}.greetings"
    return [session.rows(product, query) for query in ("show schemas", greetings)]


def rows_of(told: dict[str, Any]) -> dict[str, int]:
    nodes = told["nodes"].items()
    return {i.split(".")[2]: node["rows"] for i, node in nodes if node["rows"]}


def differing(told: dict[str, Any]) -> dict[str, list[str]]:
    nodes = told["nodes"].items()
    return {i.split(".")[2]: node["differences"] for i, node in nodes if node["differences"]}


@pytest.mark.timeout(3600)
def test_spark_sides_are_equal_and_leave_production_as_it_is(
    session: Warehouse, hello: Path
) -> None:
    before = of_production(session, hello)
    told, said = compared(session, hello, ON_SPARK)
    assert told["equal"], (told, said)
    assert {run["status"] for run in told["runs"].values()} == {"success"}
    assert rows_of(told) == ROWS
    assert of_production(session, hello) == before


@pytest.mark.timeout(3600)
def test_what_is_planted_on_spark_is_found(session: Warehouse, hello: Path) -> None:
    for name, text in PLANTED.items():
        (hello / name).write_text(text)
    before = of_production(session, hello)
    told, said = compared(session, hello, ON_SPARK)
    assert not told["equal"], said
    assert differing(told) == {"planted": ["contents differ in place"]}
    assert rows_of(told) == {**ROWS, "planted": 3}
    assert {run["status"] for run in told["runs"].values()} == {"success"}
    assert of_production(session, hello) == before
