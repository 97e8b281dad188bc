"""`floe parity` on SQLite and on Snowflake's adapter: equal sides, and nothing left outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from other_warehouses import Warehouse, fake_snowflake, sqlite, write_kinds
from wait_for import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SCHEMAS = "select schema_name from information_schema.schemata"
ON = ("--on", "dbt", "--on", "dagster")


def compared(warehouse: Warehouse, product: Path) -> tuple[dict[str, Any], str]:
    """Return what parity prints as JSON, and what it says beside that."""
    done = subprocess.run(
        [warehouse.programs / "floe", "parity", product, *ON, "--json"],
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


def test_what_a_killed_run_left_on_snowflake_is_dropped_by_the_next(
    snowflake: Warehouse, tmp_path: Path
) -> None:
    product = write_kinds(tmp_path / "kinds", snowflake)
    before = schemas(snowflake, product)
    killed = subprocess.Popen(
        [snowflake.programs / "floe", "parity", product, *ON],
        env={**os.environ, **snowflake.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_for(lambda: bool(schemas(snowflake, product) - before), 120)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    [left] = schemas(snowflake, product) - before
    assert left.startswith("FLOE_PARITY_")
    told, said = compared(snowflake, product)
    assert f"dropped the schema {left}, left by a parity run" in " ".join(said.split())
    assert_equal(told)
    assert schemas(snowflake, product) == before
