"""Ticks of a schedule on a Dagster whose queue holds no runs back, with PostgreSQL as warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from dagster_pages import REEXECUTE, asked
from deployed_dagster import DeployedDagster, deployed_on_postgres
from faulty_product import AFTER
from own_database import rows
from wait_for import wait_for

from floe_orchestrator_dagster import DagsterPlugin

# A run is in here until another one has started and found it.
MIDDLE = f"{AFTER.format('first')}, (select pg_sleep(25)) as a_while"
EARLIER, LATER = "2026-11-30T13:50:00+00:00", "2026-11-30T13:51:00+00:00"
TABLES = "select to_regclass('shop.audit') is not null"
BEGAN = "select 1 from shop.audit where run = %s and node = 'first'"


@dataclass(frozen=True)
class Deployment:
    """A Dagster, and the database that it and the product have."""

    dagster: DeployedDagster
    database: str

    def launch(self, tick: str) -> str:
        return self.dagster.launch_tick("pg_shop", tick)

    def launch_again(self, run_id: str) -> str:
        """Execute all of a run again, as Dagster's pages do, and return the id of the new run."""
        params = {"parentRunId": run_id, "strategy": "ALL_STEPS"}
        answer = asked(self.dagster.url, REEXECUTE, {"params": params})["launchRunReexecution"]
        return str(answer["run"]["runId"])

    def wait_until_it_builds(self, run_id: str) -> None:
        wait_for(lambda: self._rows(TABLES) == [(True,)] and self._rows(BEGAN, run_id), 120)

    def turns(self, *run_ids: str) -> list[str]:
        """Return the runs in the order in which they wrote, each as often as it had its turn."""
        wrote = self._rows("select run from shop.audit order by ctid")
        runs = [run for (run,) in wrote if run in run_ids]
        return [run for n, run in enumerate(runs) if n == 0 or run != runs[n - 1]]

    def log(self, run_id: str) -> str:
        found = self._rows("select event from event_logs where run_id = %s order by id", run_id)
        return "\n".join(event for (event,) in found)

    def tag(self, run_id: str, key: str) -> list[tuple[object, ...]]:
        query = "select value from run_tags where run_id = %s and key = %s"
        return self._rows(query, run_id, key)

    def _rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        return rows(self.database, query, *values)


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("no-limit")
    with deployed_on_postgres(folder, MIDDLE, limit="") as (dagster, database):
        yield Deployment(dagster, database)


def test_a_later_tick_waits_for_the_run_of_an_earlier_one_and_says_so(
    deployment: Deployment,
) -> None:
    earlier = deployment.launch(EARLIER)
    deployment.wait_until_it_builds(earlier)
    later = deployment.launch(LATER)
    ended = deployment.dagster.statuses()
    assert (ended[earlier], ended[later]) == ("SUCCESS", "SUCCESS")
    assert deployment.turns(earlier, later) == [earlier, later]
    assert f"this run waits for run {earlier}, of the tick {EARLIER}" in deployment.log(later)


def test_a_later_tick_replaces_an_earlier_one_that_starts_after_it(deployment: Deployment) -> None:
    later = deployment.launch(LATER)
    deployment.wait_until_it_builds(later)
    earlier = deployment.launch(EARLIER)
    ended = deployment.dagster.statuses()
    assert (ended[later], ended[earlier]) == ("SUCCESS", "FAILURE")
    assert deployment.turns(later, earlier) == [later]
    assert deployment.tag(earlier, "floe/replaced_by") == [(LATER,)]
    why = f"nothing is built: the run of the later tick {LATER} had started before this run"
    assert why in deployment.log(earlier)


def test_an_earlier_tick_that_is_run_again_waits_for_a_later_one_that_builds(
    deployment: Deployment,
) -> None:
    """As one of a schedule that catches up, whose run starts late."""
    earlier = deployment.launch(EARLIER)
    deployment.dagster.statuses()
    later = deployment.launch(LATER)
    deployment.wait_until_it_builds(later)
    again = deployment.launch_again(earlier)
    ended = deployment.dagster.statuses()
    assert (ended[later], ended[again]) == ("SUCCESS", "SUCCESS")
    assert deployment.turns(later, again) == [later, again]
    assert f"this run waits for run {later}, of the tick {LATER}" in deployment.log(again)


def test_the_check_of_the_connection_tells_of_the_missing_limit(deployment: Deployment) -> None:
    plugin = DagsterPlugin()
    plugin.configure({"url": deployment.dagster.url})
    [warning] = plugin.validate_connection().warnings
    assert warning.startswith("runs of one product do not wait for each other in the queue")
