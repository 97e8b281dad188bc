"""Each warehouse whose parts a registry has: floe does there what plain dbt does."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from other_warehouses import Warehouse, plain_dbt, write_kinds

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

EXAMPLES = Path(__file__).parents[2] / "examples"
BUILT = [(1, "Ada", 20), (2, "Grace", 40), (3, "Edsger", 60)]
GREETINGS = [(1, "Hello, Ada!"), (2, "Hello, Grace!"), (3, "Hello, Edsger!")]
# dbt-sqlite has no md5(), and dbt-spark snapshots take a table format that Spark alone lacks.
FAILING = {
    "sqlite": {"broken", "history"},
    "snowflake": {"broken"},
    "clickhouse": {"broken"},
    "spark": {"broken", "history"},
}


@pytest.fixture(scope="module", params=sorted(FAILING))
def kind(request: pytest.FixtureRequest) -> str:
    """Return the name of a warehouse."""
    return str(request.param)


@pytest.fixture(scope="module")
def truth(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return node id -> status of the product of many kinds under plain dbt."""
    product = write_kinds(tmp_path_factory.mktemp("plain") / "plain", warehouse)
    warehouse.call("floe", "compile", product, cwd=product, codes=(0,))
    return plain_dbt(product, warehouse)


@pytest.fixture(scope="module", params=["dagster", "airflow"])
def run(
    request: pytest.FixtureRequest,
    warehouse: Warehouse,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, dict[str, Any]]:
    """Return the product after a run on an orchestrator, and what the run said."""
    product = write_kinds(tmp_path_factory.mktemp("run") / str(request.param), warehouse)
    shown = warehouse.call("floe", "run", product, "--on", request.param, "--json", cwd=product)
    return product, json.loads(shown)


def test_each_node_ends_as_under_plain_dbt(
    kind: str, truth: dict[str, str], run: tuple[Path, dict[str, Any]]
) -> None:
    _, told = run
    assert told["nodes"] == truth
    assert {i.split(".")[2] for i, status in truth.items() if status == "error"} == FAILING[kind]
    assert set(told["errors"]) == {i for i, status in truth.items() if status == "error"}
    assert "no_such_column" in told["errors"]["model.kinds.broken"].lower()


def test_the_rows_are_there(warehouse: Warehouse, run: tuple[Path, dict[str, Any]]) -> None:
    product, _ = run
    query = f"select id, name, doubled from {warehouse.schema(product)}.built"
    assert warehouse.rows(product, query) == BUILT


def test_lineage_names_the_warehouse_and_the_columns(
    warehouse: Warehouse, run: tuple[Path, dict[str, Any]]
) -> None:
    product, _ = run
    namespace, before = warehouse.place
    name = f"{before}{warehouse.schema(product)}"
    lines = (product / "lineage.jsonl").read_text().splitlines()
    [built] = [
        output
        for event in map(json.loads, lines)
        if event["eventType"] == "COMPLETE" and event["job"]["name"] == "kinds.model.built"
        for output in event["outputs"]
    ]
    assert (built["namespace"], built["name"].lower()) == (namespace, f"{name}.built")
    origins = {
        column.lower(): {(field["name"].lower(), field["field"].lower()) for field in told}
        for column, each in built["facets"]["columnLineage"]["fields"].items()
        if (told := each["inputFields"])
    }
    assert origins["doubled"] == {(f"{name}.viewed", "amount")}
    assert origins["name"] == {(f"{name}.viewed", "name")}


@pytest.mark.parametrize("orchestrator", ["dagster", "airflow"])
def test_an_example_runs_unchanged(orchestrator: str, warehouse: Warehouse, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "hello", tmp_path / "hello", ignore=shutil.ignore_patterns(".floe"))
    product = tmp_path / "hello"
    manifest = (EXAMPLES / "manifest.yaml").read_text()
    manifest = re.sub("compute: {.*", f"compute: {warehouse.compute(product)}", manifest)
    manifest = manifest.replace("[duckdb, postgres]", "[clickhouse, sqlite, snowflake, spark]")
    (tmp_path / "manifest.yaml").write_text(manifest)
    shown = warehouse.call("floe", "run", product, "--on", orchestrator, "--json", cwd=product)
    assert json.loads(shown)["status"] == "success", shown
    query = f"select id, greeting from {warehouse.schema(product)}.greetings"
    assert warehouse.rows(product, query) == GREETINGS
