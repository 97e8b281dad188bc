"""Updates that other processes write into the ledger start DAGs on a running Airflow, once each."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from airflow_of_mesh import TO_END, TO_GIVE_UP, TO_REPEAT, TO_START, AirflowOfMesh
from epochs import key_of_last, without_epochs
from wait_for import wait_for

from floe_core.ports.ledger import ledger_of
from floe_orchestrator_airflow import AirflowPlugin
from floe_orchestrator_airflow.local.home import USER

pytestmark = pytest.mark.slow

PASSWORD = "FLOE_TEST_AIRFLOW_PASSWORD"


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


def test_a_producers_record_that_begins_again_starts_the_consumer_once(
    airflow: AirflowOfMesh,
) -> None:
    mesh, before = airflow.mesh, len(airflow.runs("marts"))
    mesh.update("crm", "crm", "sales")
    airflow.starts("marts", before)
    record = mesh.record_of("crm")
    record.write_bytes(b"not a record")
    assert f"{record}: is not a ledger record; move it away" in mesh.refuse("crm")
    record.rename(record.with_suffix(".damaged"))
    mesh.update("crm")
    assert "waits for sales/orders@1" in airflow.shown_in_mesh("marts")
    airflow.stays_at("marts", before + 1)
    mesh.update("sales")
    airflow.starts("marts", before + 1)
    assert "crm/customers@1#1," in without_epochs(airflow.updates("marts"))
    assert "is due" not in airflow.shown_in_mesh("marts")


def test_a_ledger_that_begins_again_repeats_no_key_and_starts_the_consumer_once_each_time(
    airflow: AirflowOfMesh,
) -> None:
    before, keys = len(airflow.runs("marts")), []
    for count in range(2):
        airflow.mesh.begin_ledger_again()
        airflow.mesh.update("crm", "sales")
        airflow.starts("marts", before + count)
        keys.append(airflow.updates("marts"))
        assert "is due" not in airflow.shown_in_mesh("marts")
    assert {*map(without_epochs, keys)} == {"crm/customers@1#1,sales/orders@1#1"}
    assert keys[0] != keys[1]


def test_a_run_that_is_ended_before_its_first_step_is_followed_by_another(
    airflow: AirflowOfMesh,
) -> None:
    before, seen = len(airflow.runs("marts")), airflow.seen("marts")
    with airflow.without_slots():
        airflow.mesh.update("crm", "sales")
        wait_for(lambda: len(airflow.runs("marts")) > before, TO_START)
        wait_for(lambda: airflow.tasks("marts").get("dbt_build") == "scheduled", TO_START)
        [run] = airflow.runs("marts")[before:]
        airflow.airflow.api.fail_run("marts", run["dag_run_id"])
        key = airflow.updates("marts")
        assert airflow.seen("marts") == seen
    airflow.stays_at("marts", before + 1)
    assert "is due" in airflow.shown_in_mesh("marts")
    airflow.starts("marts", before + 1, TO_REPEAT + TO_START)
    assert airflow.updates("marts") == key
    assert airflow.states("marts")[before:] == ["failed", "success"]
    assert "is due" not in airflow.shown_in_mesh("marts")
    why = f"marts: a run for {key} ended before it began to build; the next one starts 60 s later"
    assert airflow.log_of_triggerer().count(why) == 1


def test_a_run_whose_worker_is_killed_at_its_start_is_followed_by_another(
    airflow: AirflowOfMesh,
) -> None:
    before, seen = len(airflow.runs("marts")), airflow.seen("marts")
    airflow.kill_worker_at_its_start("marts", before, "crm", "sales")
    assert airflow.seen("marts") == seen
    wait_for(lambda: airflow.states("marts")[before] == "failed", TO_GIVE_UP)
    airflow.starts("marts", before + 1, TO_REPEAT + TO_START)
    assert airflow.states("marts")[before:] == ["failed", "success"]


def test_a_retry_after_a_worker_was_killed_at_its_start_is_the_only_run(
    airflow: AirflowOfMesh,
) -> None:
    """The product has a retry, and its second try is the first that comes to begin."""
    wait_for(lambda: "running" not in airflow.states("report"), TO_END)
    before, seen = len(airflow.runs("report")), airflow.seen("report")
    airflow.kill_worker_at_its_start("report", before, "sales")
    assert airflow.seen("report") == seen
    wait_for(lambda: airflow.states("report")[before] == "success", TO_GIVE_UP + TO_END)
    # Longer than a run that never began would take to be followed by another.
    time.sleep(TO_REPEAT)
    airflow.stays_at("report", before + 1)


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
