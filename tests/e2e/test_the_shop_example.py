"""examples/shop: dlt loads from an API, dbt builds, steps score and export."""

from __future__ import annotations

import csv
import importlib.util
import json
import shutil
from collections import defaultdict
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pytest
import warm_floe

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    left = shutil.ignore_patterns(".floe", "*.duckdb", "target", "exports")
    shutil.copytree(EXAMPLES / "shop", tmp_path / "shop", ignore=left)
    shutil.copy(EXAMPLES / "manifest.yaml", tmp_path)
    return tmp_path / "shop"


def floe(*words: str | Path) -> tuple[int, dict[str, Any]]:
    done = warm_floe.floe(*words, "--json")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def api_of(shop: Path) -> ModuleType:
    """Return the module that has the API's data."""
    spec = importlib.util.spec_from_file_location("shop_api", shop / "pipelines" / "shop_api.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def expected_segments(shop: Path) -> dict[str, str]:
    """Return customer -> segment, worked out without dbt, dlt or a warehouse."""
    api = api_of(shop)
    spent: dict[int, int] = defaultdict(int)
    last: dict[int, str] = {}
    for order in api.orders():
        customer = order["customer_id"]
        spent[customer] += order["cents"]
        last[customer] = max(last.get(customer, ""), order["ordered_on"])
    found = {}
    for customer in (each["id"] for each in api.customers()):
        months = int(last[customer][5:7]) // 4 if customer in last else 0
        score = min(10, 1 + min(6, spent[customer] // 10_000) + months) if customer in last else 1
        ordered = "occasional" if customer in last else "new"
        found[str(customer)] = "loyal" if score >= 8 else ordered
    return found


def test_the_export_holds_what_the_api_says(shop: Path) -> None:
    code, told = floe("run", shop, "--on", "dagster")
    assert (code, told["status"]) == (0, "success"), told
    steps = {"load_shop", "score_customers", "export_segments"}
    assert {i.split(".")[2] for i in told["nodes"] if i.startswith("step.")} == steps
    with (shop / "exports" / "segments.csv").open(newline="") as file:
        segments = {row["customer_id"]: row["segment"] for row in csv.DictReader(file)}
    expected = expected_segments(shop)
    assert segments == expected
    assert set(expected.values()) == {"loyal", "occasional", "new"}
    with duckdb.connect(str(shop / "shop.duckdb"), read_only=True) as warehouse:
        loaded = warehouse.execute("select count(*) from raw.orders").fetchone()
    assert loaded == (len(api_of(shop).orders()),)


@pytest.mark.slow
def test_it_is_the_same_on_dagster_airflow_and_prefect(shop: Path) -> None:
    sides = [word for name in ("dagster", "airflow", "prefect") for word in ("--on", name)]
    code, told = floe("parity", shop, *sides)
    assert {i: n["differences"] for i, n in told["nodes"].items() if n["differences"]} == {}
    assert told["equal"], told["differences"]
    assert code == 0
