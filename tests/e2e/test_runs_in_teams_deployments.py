"""Runs of products in a team's own DAGs and flows are listed as what their orchestrator records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from faulty_product import FaultyProduct
from running_prefect import RunningPrefect
from wait_for import wait_for

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.run_history import RecordedRun, RunHistory
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.storage.state_folder import run_place
from floe_orchestrator_airflow import AirflowPlugin
from floe_orchestrator_airflow.local.home import USER
from floe_orchestrator_airflow.local.service import LocalAirflow
from floe_orchestrator_prefect import PrefectPlugin

pytestmark = pytest.mark.slow
BAD = "select no_such_column from {{ ref('first') }}"
PASSWORD = "FLOE_TEST_AIRFLOW_PASSWORD"
LIMIT = 20.0
# The last one has no run of the product, though it updates an asset of it.
DAGS = """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from floe_orchestrator_airflow import floe_asset, floe_task_group

with DAG("nightly", schedule=None):
    floe_task_group(FOLDER) >> EmptyOperator(task_id="afterwards")

twice = DAG("twice", schedule=None)
floe_task_group(FOLDER, group_id="one", dag=twice)
floe_task_group(FOLDER, group_id="two", dag=twice)

with DAG("another", schedule=None):
    EmptyOperator(task_id="dbt_build", outlets=[floe_asset("shop", "first")])
"""
FLOW = """
from prefect import flow, serve
from floe_orchestrator_prefect import floe_flow

shop = floe_flow(FOLDER)


@flow
def nightly():
    shop()


if __name__ == "__main__":
    serve(nightly.to_deployment("team"))
"""


@dataclass(frozen=True)
class Team:
    """The plugin of an orchestrator on which a team's own code runs the product `count` times."""

    product: CompiledArtifacts
    plugin: RunHistory
    count: int

    def runs(self, since: datetime | None = None) -> list[RecordedRun]:
        return [*self.plugin.recent_runs([self.product], since, 100, LIMIT)]


@pytest.fixture(scope="module", params=["airflow", "prefect"])
def team(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Team]:
    folder = tmp_path_factory.mktemp(request.param)
    yield from {"airflow": on_airflow, "prefect": on_prefect}[request.param](folder)


def on_airflow(folder: Path) -> Iterator[Team]:
    product = FaultyProduct(BAD).compiled(folder / "shop", "shop", "airflow", "")
    plugin, airflow = AirflowPlugin(), LocalAirflow(folder / "airflow")
    with airflow, pytest.MonkeyPatch.context() as patch:
        patch.setenv(PASSWORD, airflow.home.password)
        settings = {"url": airflow.home.url, "username": USER, "password": f"env:{PASSWORD}"}
        plugin.configure(settings)
        text = DAGS.replace("FOLDER", repr(str(product.folder)))
        (airflow.home.dags / "team.py").write_text(text)
        for dag in ("nightly", "twice", "another"):
            wait_for(lambda dag=dag: airflow.api.dag(dag) is not None, 120)
            airflow.api.unpause(dag)
            airflow.api.trigger(dag, None, {})
            wait_for(lambda dag=dag: is_over(airflow, dag), 180)
        yield Team(product, plugin, 3)


def is_over(airflow: LocalAirflow, dag: str) -> bool:
    runs = airflow.api.request("GET", f"/api/v2/dags/{dag}/dagRuns")["dag_runs"]
    return bool(runs) and runs[0]["state"] in ("success", "failed")


def on_prefect(folder: Path) -> Iterator[Team]:
    product = FaultyProduct(BAD).compiled(folder / "shop", "shop", "prefect", "")
    (folder / "nightly.py").write_text(FLOW.replace("FOLDER", repr(str(product.folder))))
    prefect, plugin = RunningPrefect(folder), PrefectPlugin()
    with prefect.up(), prefect.running("serve", "python", "nightly.py"):
        plugin.configure({"url": prefect.url})
        wait_for(lambda: b"being served" in (folder / "serve.log").read_bytes(), 120)
        prefect.ended(prefect.trigger("nightly/team"))
        yield Team(product, plugin, 1)


def test_each_run_of_the_product_is_listed_once(team: Team) -> None:
    runs = team.runs()
    assert len({run.run_id for run in runs}) == team.count == len(runs)
    for run in runs:
        assert (run.product, run.job, run.state) == ("shop", "shop", "failed")
        assert run.started_at
        assert run.ended_at
        assert timedelta(0) < run.ended_at - run.started_at < timedelta(minutes=3)
        assert run.link.startswith("http://127.0.0.1:")


def test_a_run_is_listed_since_it_changed_and_not_after(team: Team) -> None:
    last = max(run.ended_at for run in team.runs() if run.ended_at)
    assert len(team.runs(last - timedelta(seconds=1))) == 1
    assert team.runs(datetime.now(UTC) + timedelta(seconds=5)) == []


def test_its_nodes_are_told_as_they_ended(team: Team) -> None:
    for run in team.runs():
        found = team.plugin.nodes_of_run(team.product, run, LIMIT)
        states = {each.unique_id.split(".")[2]: each.state for each in found.nodes}
        built = {name: state for name, state in states.items() if state != "skipped"}
        assert built == {"first": "success", "aside": "success", "middle": "error"}


def test_its_builds_are_those_of_floes_own_records(team: Team) -> None:
    places = [run_place(team.product.folder, each) for run in team.runs() for each in run.build_ids]
    assert [place.is_dir() for place in places] == [True] * team.count


def test_runs_of_other_products_are_left_out(team: Team) -> None:
    identity = team.product.product.model_copy(update={"name": "elsewhere"})
    jobs = tuple(job.model_copy(update={"name": "elsewhere"}) for job in team.product.jobs)
    other = team.product.model_copy(update={"product": identity, "jobs": jobs})
    assert [*team.plugin.recent_runs([other], None, 100, LIMIT)] == []


def test_a_run_that_does_not_exist_has_no_nodes(team: Team) -> None:
    if isinstance(team.plugin, PrefectPlugin):
        pytest.skip("its runs are those of any flow")
    gone = RecordedRun(
        "shop", "shop", "nightly/no_run/shop.dbt_build", "success", datetime.now(UTC)
    )
    with pytest.raises(EnvironmentProblemError):
        team.plugin.nodes_of_run(team.product, gone, LIMIT)
