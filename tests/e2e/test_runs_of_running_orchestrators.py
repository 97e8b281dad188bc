"""What a plugin tells of runs is what its running orchestrator's own records say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dagster_pages import webserver
from faulty_product import FaultyProduct
from free_port import free_port
from running_prefect import RunningPrefect
from wait_for import wait_for

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.powers import RunOptions
from floe_core.plugin_api.run_history import ListenerReporter, RecordedRun, RunHistory
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.storage.state_folder import run_place
from floe_orchestrator_airflow import AirflowPlugin
from floe_orchestrator_airflow.local.home import USER
from floe_orchestrator_airflow.local.launch import run_in
from floe_orchestrator_airflow.local.service import LocalAirflow
from floe_orchestrator_dagster import DagsterPlugin
from floe_orchestrator_prefect import PrefectPlugin

BAD = "select no_such_column from {{ ref('first') }}"
PASSWORD = "FLOE_TEST_AIRFLOW_PASSWORD"
LIMIT = 20.0


# Beside the product, in the file that Dagster loads.
LISTENING_ON_DAGSTER = """
from dagster import (
    AssetKey, AutomationCondition, Definitions, asset, asset_sensor, define_asset_job
)


@asset(deps=[AssetKey(["aside"])], automation_condition=AutomationCondition.eager())
def report(): ...


@asset(deps=[AssetKey(["aside"])])
def by_hand(): ...


@asset_sensor(asset_key=AssetKey(["first"]), job_name="later")
def on_first(context): ...


later = define_asset_job("later", selection=["by_hand"])
defs = Definitions.merge(
    defs, Definitions(assets=[report, by_hand], jobs=[later], sensors=[on_first])
)
"""
LISTENING_ON_AIRFLOW = """
from airflow.sdk import DAG
from airflow.providers.standard.operators.empty import EmptyOperator
from floe_orchestrator_airflow import floe_asset

with DAG("report", schedule=[floe_asset("shop", "first"), floe_asset("shop", "aside")]):
    EmptyOperator(task_id="nothing")
"""


class Asked:
    """A product on a running orchestrator: a run in which `middle` failed, and the plugin.

    `listeners` are others that start by the product's assets there.
    """

    def __init__(
        self, product: CompiledArtifacts, run_id: str, plugin: RunHistory, listeners: list[str]
    ) -> None:
        self.product = product
        self.run_id = run_id
        self.plugin = plugin
        self.listeners = listeners

    def run(self) -> RecordedRun:
        [run] = self.plugin.recent_runs([self.product], None, 100, LIMIT)
        return run


@pytest.fixture(scope="module", params=["dagster", "airflow", "prefect"])
def asked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Asked]:
    folder = tmp_path_factory.mktemp(request.param)
    yield from STARTS[request.param](folder)


def on_dagster(folder: Path) -> Iterator[Asked]:
    product = FaultyProduct(BAD).compiled(folder / "shop", "shop", "dagster", "")
    plugin = DagsterPlugin()
    report = plugin.launch_run(product, RunOptions("shop"), lambda event: None)
    with (product.folder / "definitions.py").open("a") as file:
        file.write(LISTENING_ON_DAGSTER)
    listeners = ["the asset report (its automation condition)", "the sensor on_first"]
    with webserver(product) as url:
        plugin.configure({"url": url})
        yield Asked(product, report.run_id, plugin, listeners)


def on_airflow(folder: Path) -> Iterator[Asked]:
    product = FaultyProduct(BAD).compiled(folder / "shop", "shop", "airflow", "")
    plugin = AirflowPlugin()
    airflow = LocalAirflow(folder / "airflow", product)
    with airflow, pytest.MonkeyPatch.context() as patch:
        patch.setenv(PASSWORD, airflow.home.password)
        settings = {"url": airflow.home.url, "username": USER, "password": f"env:{PASSWORD}"}
        plugin.configure(settings)
        report = run_in(airflow, product, RunOptions("shop"), lambda event: None)
        (airflow.home.dags / "report.py").write_text(LISTENING_ON_AIRFLOW)
        wait_for(lambda: airflow.api.dag("report") is not None, 120)
        yield Asked(product, report.run_id, plugin, ["the DAG report (on 2 of its assets)"])


def on_prefect(folder: Path) -> Iterator[Asked]:
    product = FaultyProduct(BAD).compiled(folder / "shop", "shop", "prefect", "")
    prefect, plugin = RunningPrefect(folder), PrefectPlugin()
    with prefect.up(), prefect.serving(product.folder):
        run_id = prefect.trigger("shop/floe")
        prefect.ended(run_id)
        plugin.configure({"url": prefect.url})
        for name, flow in (("report", "shop"), ("of another", "elsewhere")):
            prefect.request("POST", "/automations/", automation(name, flow))
        yield Asked(product, run_id, plugin, ["the automation report"])


def automation(name: str, flow: str) -> dict[str, Any]:
    """Return an automation that does nothing when runs of a flow complete."""
    related = {"prefect.resource.role": "flow", "prefect.resource.name": flow}
    return {
        "name": name,
        "trigger": {
            "type": "event",
            "posture": "Reactive",
            "expect": ["prefect.flow-run.Completed"],
            "match_related": related,
            "threshold": 1,
            "within": 0,
        },
        "actions": [{"type": "do-nothing"}],
    }


STARTS = {"dagster": on_dagster, "airflow": on_airflow, "prefect": on_prefect}


def test_a_run_is_listed_as_it_ended(asked: Asked) -> None:
    run = asked.run()
    assert (run.product, run.job, run.state) == ("shop", "shop", "failed")
    assert asked.run_id in (run.run_id, run.link.rpartition("/")[2], *run.build_ids)
    assert run.started_at
    assert run.ended_at
    assert timedelta(0) < run.ended_at - run.started_at < timedelta(minutes=3)
    assert run.link.startswith("http://127.0.0.1:")


def test_a_run_is_listed_since_it_changed_and_not_after(asked: Asked) -> None:
    run = asked.run()
    assert run.ended_at
    before, after = run.ended_at - timedelta(seconds=1), datetime.now(UTC) + timedelta(seconds=5)
    assert [*asked.plugin.recent_runs([asked.product], before, 100, LIMIT)] == [run]
    assert [*asked.plugin.recent_runs([asked.product], after, 100, LIMIT)] == []


def test_its_nodes_are_told_as_they_ended(asked: Asked) -> None:
    found = asked.plugin.nodes_of_run(asked.product, asked.run(), LIMIT)
    states = {each.unique_id.split(".")[2]: each.state for each in found.nodes}
    built = {name: state for name, state in states.items() if state != "skipped"}
    assert built == {"first": "success", "aside": "success", "middle": "error"}
    [middle] = [each for each in found.nodes if each.unique_id == "model.shop.middle"]
    assert "no_such_column" in middle.message


def test_its_builds_are_those_of_floes_own_records(asked: Asked) -> None:
    builds = [run_place(asked.product.folder, each) for each in asked.run().build_ids]
    assert [each.is_dir() for each in builds] == [True]


def test_runs_of_other_products_are_left_out(asked: Asked) -> None:
    identity = asked.product.product.model_copy(update={"name": "elsewhere"})
    jobs = tuple(job.model_copy(update={"name": "elsewhere"}) for job in asked.product.jobs)
    other = asked.product.model_copy(update={"product": identity, "jobs": jobs})
    assert [*asked.plugin.recent_runs([other], None, 100, LIMIT)] == []


def test_what_else_starts_by_the_products_assets_is_named(asked: Asked) -> None:
    assert isinstance(asked.plugin, ListenerReporter)
    assert [*asked.plugin.listeners_of(asked.product, LIMIT)] == asked.listeners


def test_a_run_that_does_not_exist_has_no_nodes(asked: Asked) -> None:
    gone = RecordedRun(
        "shop", "shop", "00000000-0000-4000-8000-000000000000", "success", datetime.now(UTC)
    )
    with pytest.raises(EnvironmentProblemError):
        asked.plugin.nodes_of_run(asked.product, gone, LIMIT)


@pytest.mark.parametrize("plugin", [DagsterPlugin, AirflowPlugin, PrefectPlugin])
def test_nothing_that_listens_is_said(plugin: type, tmp_path: Path) -> None:
    product = FaultyProduct(BAD).compiled(tmp_path / "shop", "shop", "dagster", "")
    history = plugin()
    history.configure({"url": f"http://127.0.0.1:{free_port()}"})
    with pytest.raises(EnvironmentProblemError, match="could not be queried for its runs"):
        history.recent_runs([product], None, 100, 5.0)
    with pytest.raises(EnvironmentProblemError, match="could not be queried"):
        history.listeners_of(product, 5.0)
