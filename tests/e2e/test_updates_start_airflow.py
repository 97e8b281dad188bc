"""Updates that other processes write into the ledger start DAGs on a running Airflow, once each."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
from epochs import key_of_last, without_epochs
from updating_mesh import Mesh
from wait_for import wait_for

from floe_core.ports.ledger import ledger_of
from floe_orchestrator_airflow import AirflowPlugin
from floe_orchestrator_airflow.local.home import USER
from floe_orchestrator_airflow.local.service import LocalAirflow

pytestmark = pytest.mark.slow

# A consumer starts within this of the last green producer.
TO_START = 60.0
# Long enough for two looks at the ledger, and for a scheduler to do what comes of them.
NOTHING_COMES = 30.0
TO_END = 120.0
PASSWORD = "FLOE_TEST_AIRFLOW_PASSWORD"

TEAM = """
from airflow.sdk import DAG, task
from floe_orchestrator_airflow import floe_asset

with DAG("team", schedule=[floe_asset("marts", "mart")], catchup=False):
    task(task_id="hear")(lambda: None)()
"""


class AirflowOfMesh:
    """The consumers of a mesh in an Airflow that can be stopped and started."""

    def __init__(self, folder: Path) -> None:
        self.mesh = Mesh(folder / "mesh", "airflow")
        self.folder = folder

    @contextmanager
    def up(self) -> Iterator[None]:
        consumers = self.mesh.consumers
        home = self.folder / "airflow"
        with LocalAirflow(home, *consumers.values(), follows_schedules=True) as self.airflow:
            (self.airflow.home.dags / "team.py").write_text(TEAM)
            for dag_id in (*consumers, "team"):
                wait_for(lambda name=dag_id: self.airflow.api.dag(name) is not None, TO_START)
                self.pause(dag_id, False)
            yield

    def pause(self, dag_id: str, is_paused: bool = True) -> None:
        self.airflow.api.request("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": is_paused})

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        found = self.airflow.api.request("GET", f"/api/v2/dags/{dag_id}/dagRuns?order_by=run_after")
        return list(found["dag_runs"])

    def states(self, dag_id: str) -> list[str]:
        return [run["state"] for run in self.runs(dag_id)]

    def tasks(self, dag_id: str) -> dict[str, str]:
        """Return task -> state of the last run."""
        run_id = self.runs(dag_id)[-1]["dag_run_id"]
        found = self.airflow.api.task_instances(dag_id, run_id)
        return {task["task_id"]: task["state"] for task in found}

    def starts(self, dag_id: str, before: int) -> None:
        """Wait for the start of the one run that comes next, for its end, and for no other."""
        wait_for(lambda: len(self.runs(dag_id)) > before, TO_START)
        self.stays_at(dag_id, before + 1)
        wait_for(lambda: self.states(dag_id)[before] in ("success", "failed"), TO_END)
        assert self.states(dag_id)[before] == "success", self.tasks(dag_id)

    def stays_at(self, dag_id: str, count: int) -> None:
        time.sleep(NOTHING_COMES)
        assert len(self.runs(dag_id)) == count


@pytest.fixture(scope="module")
def of_mesh(tmp_path_factory: pytest.TempPathFactory) -> AirflowOfMesh:
    return AirflowOfMesh(tmp_path_factory.mktemp("updates"))


@pytest.fixture(scope="module")
def airflow(of_mesh: AirflowOfMesh) -> Iterator[AirflowOfMesh]:
    with of_mesh.up():
        yield of_mesh


def test_the_last_of_two_green_producers_starts_the_consumer_and_a_red_one_does_not(
    airflow: AirflowOfMesh,
) -> None:
    before, of_team = len(airflow.runs("marts")), len(airflow.runs("team"))
    airflow.mesh.update("crm")
    airflow.mesh.fail("sales")
    airflow.stays_at("marts", before)
    airflow.mesh.update("sales")
    airflow.starts("marts", before)
    assert set(airflow.tasks("marts").values()) == {"success"}
    with duckdb.connect(str(airflow.mesh.folder / "mesh.duckdb"), read_only=True) as warehouse:
        assert warehouse.execute("from marts.mart").fetchall() == [(1, "Ada", 7, 1)]
    # A DAG of somebody else's that waits for what the consumer builds runs as well.
    airflow.starts("team", of_team)


def test_the_event_says_which_updates_the_run_is_for(airflow: AirflowOfMesh) -> None:
    run_id = airflow.runs("marts")[-1]["dag_run_id"]
    path = f"/api/v2/dags/marts/dagRuns/{run_id}/upstreamAssetEvents"
    [event] = airflow.airflow.api.request("GET", path)["asset_events"]
    assert (event["uri"], without_epochs(event["extra"]["payload"])) == (
        "floe://marts/marts/updates",
        "crm/customers@1#1,sales/orders@1#1",
    )


def test_a_run_for_what_another_run_has_begun_with_builds_nothing(airflow: AirflowOfMesh) -> None:
    before = len(airflow.runs("marts"))
    [asset] = airflow.airflow.api.request("GET", "/api/v2/assets?uri_pattern=marts/marts/updates")[
        "assets"
    ]
    # As a trigger that fires twice: the key names what the run before has seen.
    key = key_of_last(ledger_of(airflow.mesh.consumers["marts"]), "crm/customers@1")
    event = {"asset_id": asset["id"], "extra": {"payload": key}}
    airflow.airflow.api.request("POST", "/api/v2/assets/events", event)
    airflow.starts("marts", before)
    assert set(airflow.tasks("marts").values()) == {"skipped"}


def test_the_ports_that_are_read_are_the_producers_assets(airflow: AirflowOfMesh) -> None:
    found = airflow.airflow.api.request("GET", "/api/v2/assets?dag_ids=marts")["assets"]
    read = {a["uri"] for a in found if any(t["dag_id"] == "marts" for t in a["consuming_tasks"])}
    assert read == {"floe://crm/dim_customers", "floe://sales/orders"}


def test_an_outage_is_made_up_for_by_one_run(tmp_path: Path) -> None:
    outage = AirflowOfMesh(tmp_path)
    with outage.up():
        assert outage.runs("marts") == []
    outage.mesh.update("crm", "sales", "crm")
    with outage.up():
        outage.starts("marts", 0)


def test_what_comes_while_a_dag_is_paused_starts_it_once_afterwards(
    airflow: AirflowOfMesh,
) -> None:
    before = len(airflow.runs("marts"))
    airflow.pause("marts")
    airflow.mesh.update("crm", "sales")
    airflow.stays_at("marts", before)
    airflow.mesh.update("sales")
    airflow.pause("marts", False)
    airflow.starts("marts", before)


def test_what_comes_during_a_run_starts_one_more(airflow: AirflowOfMesh) -> None:
    wait_for(lambda: "running" not in airflow.states("report"), TO_END)
    before = len(airflow.runs("report"))
    airflow.mesh.hold()
    try:
        airflow.mesh.update("sales")
        wait_for(lambda: len(airflow.runs("report")) > before, TO_START)
        wait_for(lambda: airflow.tasks("report").get("dbt_build") == "running", TO_START)
        airflow.mesh.update("sales", "sales")
        airflow.stays_at("report", before + 1)
    finally:
        airflow.mesh.release()
    wait_for(lambda: airflow.states("report")[before] == "success", TO_END)
    airflow.starts("report", before + 1)


def test_a_ledger_that_cannot_be_read_for_a_while_is_read_again(airflow: AirflowOfMesh) -> None:
    record = airflow.mesh.folder / "ledger" / "marts.json"
    good, before = record.read_bytes(), len(airflow.runs("marts"))
    record.write_bytes(b"not a record")
    try:
        airflow.mesh.update("crm", "sales")
        airflow.stays_at("marts", before)
    finally:
        record.write_bytes(good)
    airflow.starts("marts", before)


@pytest.fixture
def plugin(airflow: AirflowOfMesh, monkeypatch: pytest.MonkeyPatch) -> AirflowPlugin:
    """Return the plugin, which changes schedules of `marts` on the running Airflow."""
    home = airflow.airflow.home
    monkeypatch.setenv(PASSWORD, home.password)
    plugin = AirflowPlugin()
    plugin.configure({"url": home.url, "username": USER, "password": f"env:{PASSWORD}"})
    plugin.create_definitions(airflow.mesh.consumers["marts"])
    return plugin


def test_what_comes_while_a_job_is_paused_starts_it_once_afterwards(
    airflow: AirflowOfMesh, plugin: AirflowPlugin
) -> None:
    before = len(airflow.runs("marts"))
    plugin.pause("marts")
    airflow.mesh.update("crm", "sales")
    airflow.stays_at("marts", before)
    plugin.resume("marts")
    airflow.starts("marts", before)


def test_updates_start_a_job_that_was_given_ticks_as_well(
    airflow: AirflowOfMesh, plugin: AirflowPlugin
) -> None:
    plugin.schedule_job("marts", "5 4 1 1 *", "UTC")
    dag = airflow.airflow.api.dag("marts")
    assert dag is not None
    assert dag["timetable_summary"] == "Asset or 5 4 1 1 * UTC"
    assert dag["next_dagrun_run_after"] is not None
    before = len(airflow.runs("marts"))
    airflow.mesh.update("crm", "sales")
    airflow.starts("marts", before)
