"""Schedules set while a webserver and a daemon run, each with a copy of the code of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dagster import DagsterInstance, DagsterRunStatus
from dagster_process import dagster_process
from free_port import free_port
from schedule_records import run_in_location
from ticking_product import (
    compile_ticking_product,
    lineage_to_file,
    nominal_times,
    nominal_times_in_lineage,
)
from wait_for import wait_for

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.powers import RunningSchedule
from floe_core.schedules import latest_tick, next_tick, ticks_between
from floe_core.schedules.claims import claims_of
from floe_core.schedules.job_schedules import JobSchedules
from floe_core.schedules.ownership import begin_move, end_move, first_owner
from floe_core.schedules.schedule_override import ScheduleOverride
from floe_core.schedules.schedule_store import store_of
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster import DagsterPlugin
from floe_orchestrator_dagster.ticks.schedule_uptake import take_up

BIN = Path(sys.executable).parent
SCHEDULE = """
query($selector: ScheduleSelector!) { scheduleOrError(scheduleSelector: $selector) {
  __typename
  ... on Schedule {
    description
    futureTicks(limit: 1) { results { timestamp } }
    scheduleState { status }
  }
} }
"""
RUNS = "{ runsOrError { ... on Runs { results { status tags { key value } } } } }"


class RunningDagster:
    """A webserver, and a daemon that can be stopped and started."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.product = compile_ticking_product(folder / "product", "dagster", {"url": self.url})
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir()
        (self.home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
        location = {"relative_path": f"{folder}/product/definitions.py", "location_name": "shop"}
        workspace = {"load_from": [{"python_file": location}]}
        (self.home / "workspace.yaml").write_text(json.dumps(workspace))
        self.plugin = DagsterPlugin()
        self.plugin.configure({"url": self.url})
        self.plugin.create_definitions(self.product)

    @contextmanager
    def webserver(self) -> Iterator[None]:
        command = ["dagster-webserver", "-h", "127.0.0.1", "-p", str(self.port)]
        with self._running([*command, "-w", "workspace.yaml"]):
            wait_for(lambda: "is running" in self.plugin.validate_connection().message, 90)
            yield

    @contextmanager
    def daemon(self) -> Iterator[None]:
        with self._running(["dagster-daemon", "run", "-w", "workspace.yaml"]):
            wait_for(lambda: self.plugin.validate_connection().success, 90)
            yield

    def _running(self, command: list[str]) -> AbstractContextManager[None]:
        return dagster_process(command, self.home, variables=lineage_to_file(self.folder))

    def query(self, query: str, **variables: Any) -> Any:
        body = json.dumps({"query": query, "variables": variables}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/graphql", body, headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["data"]

    def schedule(self, name: str = "tick_shop_schedule") -> tuple[str, datetime, str] | None:
        """Return rule, next tick and status as Dagster tells them; None for no schedule."""
        selector = {
            "repositoryName": "__repository__",
            "repositoryLocationName": "shop",
            "scheduleName": name,
        }
        found = self.query(SCHEDULE, selector=selector)["scheduleOrError"]
        if found["__typename"] != "Schedule":
            return None
        [tick] = found["futureTicks"]["results"]
        following = datetime.fromtimestamp(tick["timestamp"], UTC)
        return found["description"], following, found["scheduleState"]["status"]

    def runs(self, job: str = "") -> list[tuple[str, str]]:
        """Return status and nominal time of every run, or of those of one job."""
        found = [
            (run["status"], {tag["key"]: tag["value"] for tag in run["tags"]})
            for run in self.query(RUNS)["runsOrError"]["results"]
        ]
        return [
            (status, tags.get("floe/nominal_time"))
            for status, tags in found
            if job in ("", tags.get("floe/job"))
        ]


@pytest.fixture(scope="module")
def dagster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDagster]:
    running = RunningDagster(tmp_path_factory.mktemp("running-dagster"))
    with ExitStack() as stack:
        stack.enter_context(running.webserver())
        yield running


def expected(cron: str, zone: str, status: str = "RUNNING") -> tuple[str, datetime, str]:
    return f"{cron} in {zone}", next_tick(cron, zone, datetime.now(UTC)), status


@pytest.mark.parametrize(
    ("cron", "zone"),
    [
        ("30 2 * * *", "Europe/Dublin"),
        ("17 */6 * * MON-FRI", "Australia/Lord_Howe"),
        ("@weekly", "Asia/Kolkata"),
    ],
)
def test_dagster_tells_the_new_schedule_and_its_next_tick(
    dagster: RunningDagster, cron: str, zone: str
) -> None:
    dagster.plugin.schedule_job("tick-shop", cron, zone)
    assert dagster.schedule() == expected(cron, zone)


def test_the_plugin_passes_on_what_dagster_tells(dagster: RunningDagster) -> None:
    rule = ("5 4 * * *", "Africa/Cairo")
    following = next_tick(*rule, datetime.now(UTC))
    dagster.plugin.schedule_job("tick-shop", *rule)
    ask = dagster.plugin.running_schedule
    assert ask(dagster.product, "tick-shop") == RunningSchedule(following, is_enabled=True)
    assert ask(dagster.product, "some-part") == RunningSchedule(None, is_enabled=False)


def test_floe_ticks_shows_what_the_running_dagster_tells(dagster: RunningDagster) -> None:
    rule = ("5 4 * * *", "Africa/Cairo")
    following = next_tick(*rule, datetime.now(UTC))
    dagster.plugin.schedule_job("tick-shop", *rule)
    shown = subprocess.run(
        [str(BIN / "floe"), "ticks", str(dagster.product.project_dir), "--on", "dagster"],
        capture_output=True,
        text=True,
    )
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.splitlines()[-2:] == [
        "dagster computes the same 7 ticks",
        f"next tick by the running dagster: {following.isoformat()}",
    ]


def test_pausing_resuming_removing_and_resetting_take_effect(dagster: RunningDagster) -> None:
    rule = ("5 4 * * *", "Europe/Paris")
    dagster.plugin.schedule_job("tick-shop", *rule)
    dagster.plugin.pause("tick-shop")
    assert dagster.schedule() == expected(*rule, status="STOPPED")
    dagster.plugin.resume("tick-shop")
    assert dagster.schedule() == expected(*rule)
    dagster.plugin.unschedule_job("tick-shop")
    assert dagster.schedule() is None
    dagster.plugin.reset_schedule("tick-shop")
    assert dagster.schedule() == expected("0 6 * * *", "Europe/London")


def test_concurrent_callers_lose_nothing(dagster: RunningDagster) -> None:
    with ThreadPoolExecutor() as pool:
        calls = [
            pool.submit(dagster.plugin.schedule_job, job, "7 7 * * *", "UTC")
            for job in ("tick-shop", "some-part")
        ]
        for call in calls:
            call.result()
    assert dagster.schedule() == expected("7 7 * * *", "UTC")
    assert dagster.schedule("tick_shop__some_part_schedule") == expected("7 7 * * *", "UTC")
    dagster.plugin.unschedule_job("some-part")


def test_a_dagster_without_the_product_is_an_error_and_the_schedule_is_stored(
    dagster: RunningDagster, tmp_path: Path
) -> None:
    stranger = compile_ticking_product(tmp_path / "elsewhere", "dagster")
    manifest = tmp_path / "elsewhere" / "compiled_artifacts.json"
    manifest.write_text(manifest.read_text().replace('"tick-shop"', '"other-shop"'))
    plugin = DagsterPlugin()
    plugin.configure({"url": dagster.url, "project_dir": str(stranger.project_dir)})
    with pytest.raises(EnvironmentProblemError) as caught:
        plugin.schedule_job("other-shop", "7 7 * * *", "UTC")
    assert str(caught.value) == (
        f"the change is stored in {stranger.project_dir}/schedules.json, but Dagster at "
        f"{dagster.url} has not applied it: no code location that loads has the job other_shop"
    )
    assert (tmp_path / "elsewhere" / "schedules.json").exists()


def test_no_dagster_at_all_is_no_error(dagster: RunningDagster, tmp_path: Path) -> None:
    artifacts = compile_ticking_product(tmp_path / "elsewhere", "dagster")
    plugin = DagsterPlugin()
    plugin.configure({"url": f"http://127.0.0.1:{free_port()}"})
    plugin.create_definitions(artifacts)
    plugin.schedule_job("tick-shop", "7 7 * * *", "UTC")
    [schedule] = plugin.create_definitions(artifacts).schedules
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("7 7 * * *", "UTC")


@pytest.mark.slow
def test_a_schedule_for_the_next_minute_starts_a_run_for_that_minute(
    dagster: RunningDagster,
) -> None:
    with dagster.daemon():
        tick = _soon()
        dagster.plugin.schedule_job("tick-shop", f"{tick.minute} {tick.hour} * * *", "UTC")
        wait_for(lambda: ("SUCCESS", tick.isoformat()) in dagster.runs(), 300)
        dagster.plugin.unschedule_job("tick-shop")
    assert _in_the_warehouse(dagster.product).count(tick.isoformat()) == 1
    wait_for(lambda: tick.isoformat() in nominal_times_in_lineage(dagster.folder), 30)


@pytest.mark.slow
def test_a_tick_between_the_write_of_a_schedule_and_its_start_runs_once(
    dagster: RunningDagster,
) -> None:
    tick = _soon()
    rule = (f"{tick.minute} {tick.hour} * * *", "UTC")
    schedules = JobSchedules(dagster.product)
    with dagster.daemon():
        wait_for(lambda: datetime.now(UTC) > tick - timedelta(seconds=3), 120)
        schedules.set("tick-shop", *rule)
        wait_for(lambda: datetime.now(UTC) > tick + timedelta(seconds=2), 30)
        # Another code location that holds the product has run it.
        of_tick = {
            "dagster/schedule_name": "tick_shop_schedule",
            "floe/nominal_time": tick.isoformat(),
        }
        with DagsterInstance.from_config(str(dagster.home)) as instance:
            run_in_location(instance, "other", DagsterRunStatus.FAILURE, of_tick, "tick_shop")
        # The code location took so long to reload.
        take_up(schedules, "tick-shop", {"url": dagster.url})
        wait_for(lambda: ("SUCCESS", tick.isoformat()) in dagster.runs(), 120)
        # The daemon has the new schedule by now at the latest, and nothing to make up for.
        wait_for(lambda: datetime.now(UTC) > tick + timedelta(seconds=100), 120)
        take_up(schedules, "tick-shop", {"url": dagster.url})
        found = sorted(status for status, at in dagster.runs() if at == tick.isoformat())
        assert found == ["FAILURE", "SUCCESS"]
        dagster.plugin.unschedule_job("tick-shop")
    assert _in_the_warehouse(dagster.product).count(tick.isoformat()) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cron", "zone"), [("* * * * *", "UTC"), ("*/2 * * * *", "Australia/Lord_Howe")]
)
def test_after_an_outage_the_latest_missed_tick_runs_once(
    dagster: RunningDagster, cron: str, zone: str
) -> None:
    with dagster.daemon():
        dagster.plugin.schedule_job("tick-shop", cron, zone)
        first = next_tick(cron, zone, datetime.now(UTC))
        wait_for(lambda: first.isoformat() in _in_the_warehouse(dagster.product), 240)
    stopped = latest_tick(cron, zone, datetime.now(UTC))
    missed = next_tick(cron, zone, next_tick(cron, zone, stopped))
    wait_for(lambda: datetime.now(UTC) > missed + timedelta(seconds=2), 300)
    with dagster.daemon():
        wait_for(lambda: _after(dagster.product, stopped) != [], 180)
        dagster.plugin.pause("tick-shop")
        time.sleep(5)
    made_up, *later = _after(dagster.product, stopped)
    assert datetime.fromisoformat(made_up) >= missed
    assert sorted(set(later)) == later
    assert made_up not in later


@pytest.mark.slow
def test_ticks_that_passed_while_a_job_moved_here_run_late_and_once(
    dagster: RunningDagster,
) -> None:
    product, job, rule = dagster.product, "some-part", ("* * * * *", "UTC")
    records, store = JobSchedules(product), store_of(product)
    first = latest_tick(*rule, datetime.now(UTC)) - timedelta(minutes=2)
    leaving = begin_move(first_owner("airflow"), "dagster", first)
    entry = ScheduleOverride(since=first, cron=rule[0], timezone=rule[1], owner=leaving)
    assert store is not None
    store.change(lambda kept: {**kept, job: entry})
    with dagster.daemon():
        dagster.plugin.follow_owner(product, job)
        shown = dagster.schedule("tick_shop__some_part_schedule")
        assert shown is not None
        assert (shown[0], shown[2]) == (
            "* * * * * in UTC (airflow runs it, since move 1)",
            "STOPPED",
        )
        assert records.change_owner(job, leaving, end_move(leaving, datetime.now(UTC)))
        dagster.plugin.follow_owner(product, job)
        wait_for(lambda: len(claims_of(product, job)) > 4, 300)
        dagster.plugin.pause(job)
        wait_for(lambda: {status for status, _ in dagster.runs(job)} == {"SUCCESS"}, 120)
    claimed = [*claims_of(product, job)]
    assert claimed == ticks_between(*rule, first, claimed[-1] + timedelta(seconds=1))
    assert sorted(tick for _, tick in dagster.runs(job)) == [each.isoformat() for each in claimed]


def _soon() -> datetime:
    """Return the next full minute that is at least 20 seconds away."""
    return next_tick("* * * * *", "UTC", datetime.now(UTC) + timedelta(seconds=20))


def _in_the_warehouse(artifacts: CompiledArtifacts) -> list[str]:
    try:
        return nominal_times(artifacts)
    except duckdb.IOException:
        # A run has the file.
        return []


def _after(artifacts: CompiledArtifacts, moment: datetime) -> list[str]:
    return [t for t in _in_the_warehouse(artifacts) if datetime.fromisoformat(t) > moment]
