"""Schedules set while an api-server, a scheduler and a DAG processor run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from ticking_product import (
    compile_ticking_product,
    lineage_to_file,
    nominal_times,
    nominal_times_in_lineage,
)
from wait_for import wait_for, wait_while_it_moves

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.powers import RunningSchedule
from floe_core.schedules import next_tick, ticks_between
from floe_core.schedules.claims import claims_of
from floe_core.schedules.job_schedules import JobSchedules
from floe_core.schedules.ownership import begin_move, call_off_move, first_owner
from floe_orchestrator_airflow import AirflowPlugin
from floe_orchestrator_airflow.local.components import COMPONENTS_FILE, read_components
from floe_orchestrator_airflow.local.home import USER
from floe_orchestrator_airflow.local.service import LocalAirflow

TO_TAKE_EFFECT = 30.0
# More than the two minutes that nothing happens between ticks.
WITHOUT_NEWS = 300.0
PASSWORD = "FLOE_TEST_AIRFLOW_PASSWORD"


class RunningAirflow:
    """One product in a local Airflow that can be stopped and started, its history kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.product = compile_ticking_product(folder / "product", "airflow")

    @contextmanager
    def up(self) -> Iterator[None]:
        airflow = LocalAirflow(
            self.folder / "airflow",
            self.product,
            follows_schedules=True,
            variables=lineage_to_file(self.folder),
        )
        with airflow, pytest.MonkeyPatch.context() as patch:
            self.airflow = airflow
            patch.setenv(PASSWORD, airflow.home.password)
            self.plugin = AirflowPlugin()
            self.plugin.configure(
                {"url": airflow.home.url, "username": USER, "password": f"env:{PASSWORD}"}
            )
            self.plugin.create_definitions(self.product)
            wait_for(lambda: self.airflow.api.dag("tick-shop.some-part") is not None, 300)
            yield

    def hold_up(self, component: str, seconds: float) -> None:
        """Let a component of the next start go on only after so long, as on a busy machine."""
        folder = self.folder / "airflow"
        (folder / COMPONENTS_FILE).unlink(missing_ok=True)

        def hold_up() -> None:
            wait_for(lambda: component in read_components(folder), 120)
            process = psutil.Process(read_components(folder)[component])
            process.suspend()
            time.sleep(seconds)
            process.resume()

        threading.Thread(target=hold_up, daemon=True).start()

    def schedule(self, dag_id: str = "tick-shop") -> tuple[str, datetime] | None:
        """Return rule and next tick as Airflow tells them; None for no schedule."""
        dag = self.airflow.api.dag(dag_id)
        assert dag is not None
        if dag["next_dagrun_run_after"] is None:
            return None
        return dag["timetable_summary"], datetime.fromisoformat(dag["next_dagrun_run_after"])

    def runs(self) -> dict[datetime, str]:
        """Return logical date -> state of every scheduled run."""
        found = self.airflow.api.request("GET", "/api/v2/dags/tick-shop/dagRuns?limit=100")[
            "dag_runs"
        ]
        return {datetime.fromisoformat(run["logical_date"]): run["state"] for run in found}

    def failed_logs(self) -> str:
        """Return the logs of the tasks that failed, for who reads a failing test."""
        api, logs = self.airflow.api, []
        for tick, state in self.runs().items():
            for run_id in api.runs_at("tick-shop", tick.isoformat()) if state == "failed" else ():
                for task in api.task_instances("tick-shop", run_id):
                    text = api.log("tick-shop", run_id, task["task_id"], task["try_number"] or 1)
                    logs.append(f"{run_id} {task['task_id']} {task['state']}:\n{text}")
        return "\n".join(logs)

    def task_states(self) -> dict[datetime, dict[str, str | None]]:
        """Return logical date -> task -> state, of every scheduled run."""
        api = self.airflow.api
        return {
            tick: {t["task_id"]: t["state"] for t in api.task_instances("tick-shop", run_id)}
            for tick in self.runs()
            for run_id in api.runs_at("tick-shop", tick.isoformat())
        }

    def wait_for_runs(self, is_so: Callable[[dict[datetime, str]], bool]) -> None:
        """Wait until the runs are so, as long as a run begins or a task goes on."""
        wait_while_it_moves(lambda: is_so(self.runs()), self.task_states, WITHOUT_NEWS)

    def end_runs(self) -> None:
        self.wait_for_runs(lambda runs: set(runs.values()) <= {"success", "failed"})


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> RunningAirflow:
    return RunningAirflow(tmp_path_factory.mktemp("running-airflow"))


@pytest.fixture(scope="module")
def airflow(running: RunningAirflow) -> Iterator[RunningAirflow]:
    with running.up():
        yield running


def expected(cron: str, zone: str) -> tuple[str, datetime]:
    return f"{cron} {zone}", next_tick(cron, zone, datetime.now(UTC))


@pytest.mark.parametrize(
    ("cron", "zone"),
    [
        ("30 2 * * *", "Europe/Dublin"),
        ("17 */6 * * MON-FRI", "Australia/Lord_Howe"),
        ("@weekly", "Asia/Kolkata"),
    ],
)
def test_airflow_tells_the_new_schedule_and_its_next_tick(
    airflow: RunningAirflow, cron: str, zone: str
) -> None:
    airflow.plugin.schedule_job("tick-shop", cron, zone)
    assert airflow.schedule() == expected(cron, zone)


def test_the_plugin_passes_on_what_airflow_tells(airflow: RunningAirflow) -> None:
    rule = ("5 4 * * *", "Africa/Cairo")
    following = next_tick(*rule, datetime.now(UTC))
    airflow.plugin.schedule_job("tick-shop", *rule)
    ask = airflow.plugin.running_schedule
    assert ask(airflow.product, "tick-shop") == RunningSchedule(following, is_enabled=True)
    assert ask(airflow.product, "some-part") == RunningSchedule(None, is_enabled=False)


def test_pausing_resuming_removing_and_resetting_take_effect(airflow: RunningAirflow) -> None:
    rule = ("5 4 * * *", "Europe/Paris")
    airflow.plugin.schedule_job("tick-shop", *rule)
    airflow.plugin.pause("tick-shop")
    assert airflow.schedule() is None
    airflow.plugin.resume("tick-shop")
    assert airflow.schedule() == expected(*rule)
    airflow.plugin.unschedule_job("tick-shop")
    assert airflow.schedule() is None
    airflow.plugin.reset_schedule("tick-shop")
    assert airflow.schedule() == expected("0 6 * * *", "Europe/London")


def test_setting_a_schedule_lets_a_paused_dag_run(airflow: RunningAirflow) -> None:
    airflow.plugin.schedule_job("some-part", "7 7 * * *", "UTC")
    dag = airflow.airflow.api.dag("tick-shop.some-part")
    assert dag is not None
    assert (airflow.schedule("tick-shop.some-part"), dag["is_paused"]) == (
        expected("7 7 * * *", "UTC"),
        False,
    )
    airflow.plugin.unschedule_job("some-part")


def test_without_the_api_the_touched_file_is_read_again(airflow: RunningAirflow) -> None:
    plugin = AirflowPlugin()
    plugin.configure({"url": "http://127.0.0.1:9", "project_dir": str(airflow.product.project_dir)})
    plugin.schedule_job("tick-shop", "8 8 * * *", "UTC")
    wait_for(lambda: airflow.schedule() == expected("8 8 * * *", "UTC"), TO_TAKE_EFFECT)


def test_an_airflow_without_the_product_is_an_error_and_the_schedule_is_stored(
    airflow: RunningAirflow, tmp_path: Path
) -> None:
    stranger = compile_ticking_product(tmp_path / "elsewhere", "airflow")
    artifacts = tmp_path / "elsewhere" / "compiled_artifacts.json"
    artifacts.write_text(artifacts.read_text().replace('"tick-shop"', '"other-shop"'))
    url = airflow.airflow.home.url
    plugin = AirflowPlugin()
    plugin.configure(
        {
            "url": url,
            "username": USER,
            "password": f"env:{PASSWORD}",
            "project_dir": str(stranger.project_dir),
        }
    )
    with pytest.raises(EnvironmentProblemError) as caught:
        plugin.schedule_job("other-shop", "7 7 * * *", "UTC")
    assert str(caught.value) == (
        f"the change is stored in {stranger.project_dir}/schedules.json, but Airflow at {url} has "
        "not applied it: it has no dags/other-shop; put the compiled folder where its DAG "
        "processor looks"
    )
    assert (tmp_path / "elsewhere" / "schedules.json").exists()


def test_a_refused_password_is_an_error(airflow: RunningAirflow) -> None:
    plugin = AirflowPlugin()
    settings = {"url": airflow.airflow.home.url, "username": USER, "password": "wrong"}
    plugin.configure({**settings, "project_dir": str(airflow.product.project_dir)})
    with pytest.raises(EnvironmentProblemError) as caught:
        plugin.schedule_job("tick-shop", "9 9 * * *", "UTC")
    assert str(caught.value).endswith(
        "Airflow refuses `username` and `password` (HTTP 401); correct them"
    )


@pytest.mark.slow
def test_a_schedule_for_the_next_minute_starts_a_run_for_that_minute(
    airflow: RunningAirflow,
) -> None:
    tick = next_tick("* * * * *", "UTC", datetime.now(UTC) + timedelta(seconds=20))
    airflow.plugin.schedule_job("tick-shop", f"{tick.minute} {tick.hour} * * *", "UTC")
    wait_for(lambda: airflow.runs().get(tick) == "success", 180)
    assert nominal_times(airflow.product).count(tick.isoformat()) == 1
    wait_for(lambda: tick.isoformat() in nominal_times_in_lineage(airflow.folder), 30)


@pytest.mark.slow
def test_a_new_schedule_does_not_run_what_has_passed(airflow: RunningAirflow) -> None:
    before = airflow.runs()
    past = datetime.now(UTC) - timedelta(minutes=1)
    airflow.plugin.schedule_job("tick-shop", f"{past.minute} {past.hour} * * *", "UTC")
    time.sleep(15)
    assert airflow.runs() == before


@pytest.mark.slow
def test_unpausing_a_dag_does_not_run_what_passed_meanwhile(airflow: RunningAirflow) -> None:
    before = airflow.runs()
    path = "/api/v2/dags/tick-shop"
    tick = next_tick("* * * * *", "UTC", datetime.now(UTC) + timedelta(seconds=20))
    airflow.plugin.schedule_job("tick-shop", f"{tick.minute} {tick.hour} * * *", "UTC")
    airflow.airflow.api.request("PATCH", path, {"is_paused": True})
    # Until a tick is no longer fresh and the DAG was parsed after that.
    wait_for(lambda: datetime.now(UTC) > tick + timedelta(seconds=165), 300)
    airflow.airflow.api.request("PATCH", path, {"is_paused": False})
    time.sleep(40)
    assert airflow.runs() == before


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_after_an_outage_the_latest_missed_tick_runs_once(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    running = RunningAirflow(tmp_path_factory.mktemp("outage"))
    with running.up():
        running.plugin.schedule_job("tick-shop", "*/2 * * * *", "UTC")
        running.wait_for_runs(lambda runs: set(runs.values()) == {"success"})
        before = running.runs()
    last = max(before)
    # Longer than a tick counts as fresh: what is made up for now is so because no one saw it.
    wait_for(lambda: datetime.now(UTC) > last + timedelta(minutes=4, seconds=5), 400)
    back_at = datetime.now(UTC)
    running.hold_up("api-server", 40)
    with running.up():
        running.wait_for_runs(lambda runs: max(runs) > last)
        running.plugin.pause("tick-shop")
        running.end_runs()
        runs, logs = running.runs(), running.failed_logs()
    made_up = min(tick for tick in runs if tick > last)
    # The latest of those that nobody saw; what came later ticked while Airflow was up.
    assert made_up > back_at - timedelta(minutes=2)
    assert set(runs.values()) == {"success"}, logs
    assert sorted(nominal_times(running.product)) == sorted(t.isoformat() for t in runs)


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_tick_that_was_skipped_during_a_move_that_was_called_off_runs_late(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Airflow has a run for it already, and a DAG has one run of a tick at most."""
    running = RunningAirflow(tmp_path_factory.mktemp("called-off"))
    product, job = running.product, "tick-shop"
    records, first = JobSchedules(product), first_owner("airflow")
    with running.up():
        assert records.change_owner(job, None, first)
        running.plugin.schedule_job(job, "* * * * *", "UTC")
        wait_for(lambda: claims_of(product, job), 240)
        with suspended(running, "dag-processor"):
            # So Airflow creates the run, as its timetable knows of no move.
            until = next_tick("* * * * *", "UTC", datetime.now(UTC) + timedelta(seconds=5))
            moving = begin_move(first, "dagster", until)
            assert records.change_owner(job, first, moving)
            wait_for(lambda: running.runs().get(until) == "success", 180)
        assert until not in claims_of(product, job)
        assert running.task_states()[until]["dbt_build"] == "skipped"
        assert records.change_owner(job, moving, call_off_move(moving, datetime.now(UTC)))
        running.plugin.follow_owner(product, job)
        wait_for(lambda: until in claims_of(product, job), 240)
        wait_for(lambda: max(claims_of(product, job)) > until + timedelta(minutes=1), 240)
        running.plugin.pause(job)
        running.end_runs()
    claimed = [*claims_of(product, job)]
    end = claimed[-1] + timedelta(seconds=1)
    assert claimed == ticks_between("* * * * *", "UTC", claimed[0], end)
    built = [each for each in nominal_times(product) if each >= claimed[0].isoformat()]
    assert built == [tick.isoformat() for tick in claimed]


@contextmanager
def suspended(running: RunningAirflow, component: str) -> Iterator[None]:
    """Let a component of a running Airflow stand still."""
    process = psutil.Process(read_components(running.folder / "airflow")[component])
    process.suspend()
    try:
        yield
    finally:
        process.resume()
