"""customer-360 on other warehouses, beside plain dbt and beside its seeds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from other_warehouses import Warehouse, plain_dbt
from portable_example import CHANGES, QUERY, customers, write_example

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

HISTORY = "snapshot.customer_360.customers_history"
# Snapshots of dbt-sqlite call md5(), which SQLite lacks; those of dbt-spark need Delta or Hudi.
FAILING: dict[str, dict[str, str]] = {
    "sqlite": {HISTORY: "md5"},
    "snowflake": {},
    "clickhouse": {},
    "spark": {HISTORY: "snapshot"},
}
NODES = {"sqlite": 26, "snowflake": 25, "spark": 26, "clickhouse": 26}


@pytest.fixture(scope="module", params=sorted(CHANGES))
def kind(request: pytest.FixtureRequest) -> str:
    """Return the name of a warehouse."""
    return str(request.param)


@pytest.fixture(scope="module")
def truth(
    kind: str, warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """Return node id -> status of the example under plain dbt."""
    product = write_example("customer-360", tmp_path_factory.mktemp("plain"), kind, warehouse)
    warehouse.call("floe", "compile", product, cwd=product, codes=(0,))
    found = plain_dbt(product, warehouse)
    # dbt has a line for exposures, which never run.
    return {node: status for node, status in found.items() if not node.startswith("exposure.")}


@pytest.fixture(scope="module", params=["dagster", "airflow", "prefect"])
def run(
    request: pytest.FixtureRequest,
    kind: str,
    warehouse: Warehouse,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, dict[str, Any]]:
    """Return the example after a run on an orchestrator, and what the run said."""
    folder = tmp_path_factory.mktemp(str(request.param))
    product = write_example("customer-360", folder, kind, warehouse)
    shown = warehouse.call("floe", "run", product, "--on", request.param, "--json", cwd=product)
    return product, json.loads(shown)


def test_each_node_ends_as_under_plain_dbt(
    kind: str, truth: dict[str, str], run: tuple[Path, dict[str, Any]]
) -> None:
    _, told = run
    assert told["nodes"] == truth
    assert len(truth) == NODES[kind]
    good = {"success", "pass"}
    assert {node for node, status in truth.items() if status not in good} == set(FAILING[kind])
    assert told["errors"].keys() == FAILING[kind].keys()
    assert all(text in told["errors"][node] for node, text in FAILING[kind].items())


def test_what_is_built_is_what_the_seeds_say(
    warehouse: Warehouse, run: tuple[Path, dict[str, Any]]
) -> None:
    product, _ = run
    assert warehouse.rows(product, QUERY.format(warehouse.schema(product))) == customers()


def test_lineage_names_the_warehouse_and_the_columns(
    warehouse: Warehouse, run: tuple[Path, dict[str, Any]]
) -> None:
    product, _ = run
    place, before = warehouse.place
    schema = f"{before}{warehouse.schema(product)}"
    lines = (product / "lineage.jsonl").read_text().splitlines()
    outputs = {
        event["job"]["name"].rpartition(".")[2]: event["outputs"]
        for event in map(json.loads, lines)
        if event["eventType"] == "COMPLETE"
    }
    namespace = place.replace("kinds", "customer-360")
    [amount] = origins(outputs["stg_payments"], "amount")
    assert amount == (namespace, f"{schema}_raw.raw_payments", "cents")
    [name] = origins(outputs["customer_360"], "customer_name")
    assert name == (namespace, f"{schema}.dim_customers", "customer_name")
    assert (namespace, f"{schema}.fct_orders", "amount") in origins(
        outputs["customer_360"], "revenue"
    )


def origins(outputs: list[dict[str, Any]], column: str) -> set[tuple[str, str, str]]:
    """Return namespace, dataset and column of what a column of the one output is made of."""
    [output] = outputs
    fields = {
        name.lower(): told["inputFields"]
        for name, told in output["facets"]["columnLineage"]["fields"].items()
    }
    return {
        (each["namespace"], each["name"].lower(), each["field"].lower()) for each in fields[column]
    }
