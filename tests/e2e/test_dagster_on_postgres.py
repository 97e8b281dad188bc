"""Two runs of one product at once on Dagster as it is deployed, with PostgreSQL as warehouse too."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from deployed_dagster import deployed_on_postgres
from faulty_product import AFTER
from own_database import rows

# Two runs at once would meet here: each takes its time between one table and the next.
MIDDLE = f"{AFTER.format('first')}, (select pg_sleep(2)) as a_while"
NODES = ["aside", "first", "last", "middle"]


@dataclass(frozen=True)
class Runs:
    """What two runs that were asked for at once left.

    `asked` are the statuses that they had then; `ended` maps a run's id to the one it ended with.
    """

    database: str
    home: Path
    asked: list[str]
    ended: dict[str, str]

    def rows(self, query: str, *values: object) -> list[tuple]:
        return rows(self.database, query, *values)

    def events(self, run_id: str, kind: str) -> list[dict]:
        """Return Dagster's events of a kind, from its table, oldest first."""
        query = (
            "select event from event_logs where run_id = %s and dagster_event_type = %s order by id"
        )
        return [json.loads(event)["dagster_event"] for (event,) in self.rows(query, run_id, kind)]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    folder = tmp_path_factory.mktemp("on-postgres")
    with deployed_on_postgres(folder, MIDDLE) as (dagster, database):
        asked = [dagster.launch("pg_shop"), dagster.launch("pg_shop")]
        yield Runs(database, dagster.home, asked, dagster.statuses())


def test_both_go_through_the_queue_and_succeed(runs: Runs) -> None:
    assert runs.asked == ["QUEUED", "QUEUED"]
    assert list(runs.ended.values()) == ["SUCCESS", "SUCCESS"]
    for run_id in runs.ended:
        taken = ("PIPELINE_ENQUEUED", "PIPELINE_STARTING", "PIPELINE_SUCCESS")
        assert [len(runs.events(run_id, kind)) for kind in taken] == [1, 1, 1]


def test_the_one_begins_to_write_when_the_other_has_ended(runs: Runs) -> None:
    """By the rows that dbt's hooks left, in the order that they were written in."""
    written = [run for (run,) in runs.rows("select run from shop.audit order by ctid")]
    turns = [run for n, run in enumerate(written) if n == 0 or run != written[n - 1]]
    assert sorted(turns) == sorted(runs.ended)


def test_each_builds_each_table_once(runs: Runs) -> None:
    passed = runs.rows("select node, run from shop.audit where what = 'passed'")
    assert Counter(passed) == Counter((node, run) for node in NODES for run in runs.ended)
    assert [runs.rows(f"select id from shop.{node}") for node in NODES] == [[(1,)]] * len(NODES)


def test_a_step_has_a_process_of_its_own(runs: Runs) -> None:
    """Dagster's multiprocess executor: the step's process is not that of the run."""
    for run_id in runs.ended:
        said = "\n".join(event["message"] for event in runs.events(run_id, "ENGINE_EVENT"))
        assert "Multiprocess executor: parent process exiting" in said
        [started] = runs.events(run_id, "STEP_WORKER_STARTED")
        [of_step] = re.findall(r'"text": "(\d+)"', json.dumps(started))
        of_run = re.findall(r"parent process \(pid: (\d+)\)", said)
        assert of_run
        assert of_step not in of_run


def test_materializations_are_those_of_the_nodes(runs: Runs) -> None:
    for run_id in runs.ended:
        events = runs.events(run_id, "ASSET_MATERIALIZATION")
        data = [event["event_specific_data"]["materialization"] for event in events]
        assert sorted(each["asset_key"]["path"][-1] for each in data) == NODES


def test_nothing_of_the_instance_is_in_a_file(runs: Runs) -> None:
    assert [path.name for path in runs.home.rglob("*.db")] == []
    assert [status for (status,) in runs.rows("select status from runs")] == ["SUCCESS", "SUCCESS"]
    assert runs.rows("select count(*) > 0 from daemon_heartbeats") == [(True,)]
