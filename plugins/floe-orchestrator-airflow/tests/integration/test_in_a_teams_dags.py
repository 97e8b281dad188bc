"""Products among a team's own DAGs: the recipes of docs/embedding-airflow.md on a real Airflow."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import quote

import duckdb
import pytest
from team_dags import (
    add_dag_file,
    make_sales,
    recipes,
    runs_of,
    states_of,
    wait_for,
    wait_for_run,
)

from floe_core.plugin_api.powers import RunOptions
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.local.launch import run_in
from floe_orchestrator_airflow.local.service import LocalAirflow

pytestmark = pytest.mark.slow

WHOLE_GROUP = {
    "sales.dbt_build",
    "sales.stg_orders",
    "sales.orders",
    "sales.unique_orders_id",
    "sales.not_null_orders_id",
    "sales.customers",
    "sales.outcome",
}


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAirflow]:
    folder = tmp_path_factory.mktemp("team")
    with LocalAirflow(folder, follows_schedules=True) as airflow:
        yield airflow


@pytest.fixture(scope="module")
def sales(products: Path) -> CompiledArtifacts:
    return make_sales(products / "sales")


def folder_of(artifacts: CompiledArtifacts) -> Path:
    assert artifacts.project_dir is not None
    return artifacts.project_dir


def add_recipe(
    team: LocalAirflow, sales: CompiledArtifacts, name: str, dag_id: str = "", **changes: str
) -> None:
    text = recipes()[name].replace("/opt/airflow/products/sales", str(folder_of(sales)))
    text = text.replace('schedule="@daily"', "schedule=None")
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    add_dag_file(team, name, text, dag_id)


def run_recipe(
    team: LocalAirflow, sales: CompiledArtifacts, name: str, **changes: str
) -> dict[str, str]:
    """Run the DAG of a recipe, and return the states of its tasks."""
    add_recipe(team, sales, name, **changes)
    team.api.trigger(name, None, {})
    return states_of(team, name, wait_for_run(team, name))


def run_query(sales: CompiledArtifacts, query: str) -> list[tuple]:
    with duckdb.connect(str(folder_of(sales) / "sales.duckdb"), read_only=True) as warehouse:
        return warehouse.execute(query).fetchall()


def events_of(team: LocalAirflow, dag_id: str, run_id: str) -> list[tuple[str, str]]:
    """Return URI and node of each asset event of a run, sorted."""
    query = f"source_dag_id={dag_id}&source_run_id={quote(run_id, safe='')}"
    found = team.api.request("GET", f"/api/v2/assets/events?{query}")["asset_events"]
    return sorted((event["uri"], event["extra"]["unique_id"]) for event in found)


def test_every_recipe_of_the_page_is_tested() -> None:
    source = Path(__file__).read_text()
    assert [name for name in recipes() if f'"{name}"' not in source] == []
    assert len(recipes()) == 7


def test_python_before_a_product(team: LocalAirflow, sales: CompiledArtifacts) -> None:
    states = run_recipe(team, sales, "load_and_build")
    assert states == dict.fromkeys(WHOLE_GROUP | {"load_orders"}, "success")
    assert run_query(sales, "select id, customer from orders order by id") == [
        (1, "Ada"),
        (2, "Grace"),
    ]


def test_python_after_a_product(team: LocalAirflow, sales: CompiledArtifacts) -> None:
    states = run_recipe(team, sales, "build_and_push")
    assert states == dict.fromkeys(WHOLE_GROUP | {"push_customers"}, "success")
    [run] = runs_of(team, "build_and_push")
    path = f"/api/v2/dags/build_and_push/dagRuns/{quote(run['dag_run_id'], safe='')}"
    pushed = team.api.request(
        "GET", f"{path}/taskInstances/push_customers/xcomEntries/return_value?deserialize=true"
    )
    assert pushed["value"] == dict(run_query(sales, "select customer, spent from customers"))


def test_python_between_two_models(team: LocalAirflow, sales: CompiledArtifacts) -> None:
    states = run_recipe(team, sales, "score_customers")
    assert states == dict.fromkeys(
        {
            "sales_staging.dbt_build",
            "sales_staging.stg_orders",
            "sales_staging.outcome",
            "score",
            "sales_marts.dbt_build",
            "sales_marts.orders",
            "sales_marts.unique_orders_id",
            "sales_marts.not_null_orders_id",
            "sales_marts.customers",
            "sales_marts.outcome",
        },
        "success",
    )
    assert run_query(sales, "select score = spent * 10 from customers") == [(True,), (True,)]


def test_a_sensor_before_a_product(
    team: LocalAirflow, sales: CompiledArtifacts, tmp_path: Path
) -> None:
    changes = {"/data/orders": str(tmp_path), "poke_interval=10": "poke_interval=1"}
    add_recipe(team, sales, "wait_for_orders", **changes)
    run_id = team.api.trigger("wait_for_orders", None, {})
    waiting = lambda: states_of(team, "wait_for_orders", run_id)  # noqa: E731
    wait_for(lambda: waiting()["orders_have_arrived"] == "up_for_reschedule")
    assert waiting()["sales.dbt_build"] is None
    (tmp_path / "_SUCCESS").touch()
    wait_for_run(team, "wait_for_orders")
    assert waiting() == dict.fromkeys(WHOLE_GROUP | {"orders_have_arrived"}, "success")


BY_URI = """
from airflow.sdk import DAG, Asset, task

with DAG("by_uri", schedule=[Asset("floe://sales/orders")]):
    task(task_id="hear")(lambda: None)()
"""
OF_STAGING = """
from airflow.sdk import DAG, task
from floe_orchestrator_airflow import floe_asset

with DAG("of_staging", schedule=[floe_asset("sales", "stg_orders")]):
    task(task_id="hear")(lambda: None)()
"""


def test_dags_that_wait_for_an_asset_run_once_by_its_uri_and_by_its_product_and_node(
    team: LocalAirflow, sales: CompiledArtifacts
) -> None:
    # The consumers are there first: an asset has the name of whoever is parsed first.
    add_dag_file(team, "by_uri", BY_URI)
    add_dag_file(team, "of_staging", OF_STAGING)
    add_recipe(team, sales, "refresh_report")
    report = run_in(team, sales, RunOptions(job="marts"), lambda event: None)
    assert (report.status, report.message) == ("success", "")
    for dag_id in ("by_uri", "refresh_report"):
        wait_for_run(team, dag_id)
    time.sleep(5)
    ran = {i: len(runs_of(team, i)) for i in ("by_uri", "refresh_report", "of_staging")}
    assert ran == {"by_uri": 1, "refresh_report": 1, "of_staging": 0}
    # What the job built, each once, and nothing else of the product.
    assert events_of(team, "sales.marts", report.run_id) == [
        ("floe://sales/customers", "model.sales.customers"),
        ("floe://sales/orders", "model.sales.orders"),
    ]


ARRIVAL = """
from airflow.sdk import DAG, Asset, task

with DAG("arrival", schedule=None):
    task(task_id="load", outlets=[Asset("s3://lake/orders")])(lambda: None)()
"""


def test_a_product_that_waits_for_an_asset(team: LocalAirflow, sales: CompiledArtifacts) -> None:
    (team.home.dags / "sales.py").unlink(missing_ok=True)
    add_dag_file(team, "arrival", ARRIVAL)
    add_recipe(team, sales, "sales_on_arrival", "sales")
    assert runs_of(team, "sales") == []
    team.api.trigger("arrival", None, {})
    wait_for_run(team, "sales")
    [run] = runs_of(team, "sales")
    assert run["run_type"] == "asset_triggered"


class Hook(BaseHTTPRequestHandler):
    texts: list[str] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.texts.append(json.loads(body)["text"])
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


def test_alerts_by_airflows_own_callbacks(team: LocalAirflow, sales: CompiledArtifacts) -> None:
    server = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (team.home.dags / "sales.py").unlink(missing_ok=True)
    url = f"http://127.0.0.1:{server.server_port}"
    add_recipe(
        team, sales, "sales_with_alerts", "sales.marts", **{"http://alerts.example.com": url}
    )
    # Without the table that it reads, a model fails.
    with duckdb.connect(str(folder_of(sales) / "sales.duckdb")) as warehouse:
        warehouse.execute("drop table if exists scores")
    run_id = team.api.trigger("sales.marts", None, {})
    wait_for(lambda: team.api.run("sales.marts", run_id)["state"] in ("success", "failed"))
    wait_for(lambda: bool(Hook.texts))
    time.sleep(3)
    server.shutdown()
    assert Hook.texts == [f"sales.marts failed: {run_id}"]


BEHIND = """
from airflow.sdk import DAG, task
from airflow.sdk.exceptions import AirflowSkipException
from floe_orchestrator_airflow import floe_task_group

with DAG("behind", schedule=None, params={"node_ids": "the team's own", "how": "skip"}):

    @task
    def before(params):
        if params["how"] == "skip":
            raise AirflowSkipException("nothing to do")
        if params["how"] == "fail":
            raise RuntimeError("no data")

    @task
    def after():
        pass

    before() >> floe_task_group("SALES", job="marts") >> after()
"""
GROUP = {
    "sales_marts.orders",
    "sales_marts.unique_orders_id",
    "sales_marts.not_null_orders_id",
    "sales_marts.customers",
}


@pytest.fixture(scope="module")
def behind(team: LocalAirflow, sales: CompiledArtifacts) -> str:
    add_dag_file(team, "behind", BEHIND.replace("SALES", str(folder_of(sales))))
    return "behind"


def end_of(team: LocalAirflow, dag_id: str, run_id: str) -> dict[str, str]:
    wait_for(lambda: team.api.run(dag_id, run_id)["state"] in ("success", "failed"))
    return states_of(team, dag_id, run_id)


def test_a_group_is_skipped_with_what_is_before_it(team: LocalAirflow, behind: str) -> None:
    states = end_of(team, behind, team.api.trigger(behind, None, {"how": "skip"}))
    assert set(states.values()) == {"skipped"}


def test_a_group_fails_with_what_is_before_it_and_builds_nothing(
    team: LocalAirflow, behind: str
) -> None:
    assert end_of(team, behind, team.api.trigger(behind, None, {"how": "fail"})) == {
        "before": "failed",
        "sales_marts.dbt_build": "upstream_failed",
        **dict.fromkeys(GROUP, "skipped"),
        "sales_marts.outcome": "failed",
        "after": "upstream_failed",
    }


def test_a_group_retries_its_build_and_runs_a_node_that_is_cleared(
    team: LocalAirflow, sales: CompiledArtifacts, behind: str
) -> None:
    warehouse = str(folder_of(sales) / "sales.duckdb")
    with duckdb.connect(warehouse) as database:
        database.execute("drop table if exists scores")
    run_id = team.api.trigger(behind, None, {"how": "build"})
    assert end_of(team, behind, run_id) == {
        "before": "success",
        "sales_marts.dbt_build": "failed",
        **dict.fromkeys(GROUP, "success"),
        "sales_marts.customers": "failed",
        "sales_marts.outcome": "failed",
        "after": "upstream_failed",
    }
    tries = {t["task_id"]: t["try_number"] for t in team.api.task_instances(behind, run_id)}
    assert tries["sales_marts.dbt_build"] == 2

    with duckdb.connect(warehouse) as database:
        database.execute("create table scores (customer varchar, score bigint)")
    team.api.clear(behind, run_id, ["sales_marts.customers"], downstream=True)
    states = end_of(team, behind, run_id)
    assert states.pop("sales_marts.dbt_build") == "failed"
    assert set(states.values()) == {"success"}
    assert events_of(team, behind, run_id) == [("floe://sales/customers", "model.sales.customers")]
