"""What a plugin tells of runs is what its running orchestrator's own records say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dagster_pages import webserver
from faulty_product import FaultyProduct
from free_port import free_port
from running_prefect import RunningPrefect

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.powers import RunOptions
from floe_core.plugin_api.run_history import RecordedRun, RunHistory
from floe_core.product_folder.state_folder import run_place
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow import AirflowPlugin
from floe_orchestrator_airflow.local.home import USER
from floe_orchestrator_airflow.local.launch import run_in
from floe_orchestrator_airflow.local.service import LocalAirflow
from floe_orchestrator_dagster import DagsterPlugin
from floe_orchestrator_prefect import PrefectPlugin

BAD = "select no_such_column from {{ ref('first') }}"
PASSWORD = "FLOE_TEST_AIRFLOW_PASSWORD"
LIMIT = 20.0


class Asked:
    """A product on a running orchestrator: a run in which `middle` failed, and the plugin."""

    def __init__(self, product: CompiledArtifacts, run_id: str, plugin: RunHistory) -> None:
        self.product = product
        self.run_id = run_id
        self.plugin = plugin

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
    with webserver(product) as url:
        plugin.configure({"url": url})
        yield Asked(product, report.run_id, plugin)


def on_airflow(folder: Path) -> Iterator[Asked]:
    product = FaultyProduct(BAD).compiled(folder / "shop", "shop", "airflow", "")
    plugin = AirflowPlugin()
    airflow = LocalAirflow(folder / "airflow", product)
    with airflow, pytest.MonkeyPatch.context() as patch:
        patch.setenv(PASSWORD, airflow.home.password)
        settings = {"url": airflow.home.url, "username": USER, "password": f"env:{PASSWORD}"}
        plugin.configure(settings)
        report = run_in(airflow, product, RunOptions("shop"), lambda event: None)
        yield Asked(product, report.run_id, plugin)


def on_prefect(folder: Path) -> Iterator[Asked]:
    product = FaultyProduct(BAD).compiled(folder / "shop", "shop", "prefect", "")
    prefect, plugin = RunningPrefect(folder), PrefectPlugin()
    with prefect.up(), prefect.serving(product.folder):
        run_id = prefect.trigger("shop/floe")
        prefect.ended(run_id)
        plugin.configure({"url": prefect.url})
        yield Asked(product, run_id, plugin)


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
