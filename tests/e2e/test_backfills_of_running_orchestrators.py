"""A backfill that has no run yet is named by a plan, and a move waits until it is over.

So is one of Dagster that its daemon has not taken up, and one of Airflow that finds all its runs there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from dagster_pages import asked
from moving_airflow import PASSWORD, MovingAirflow
from moving_dagster import MovingDagster
from moving_product import JOB, MovingProduct
from wait_for import wait_for

from floe_core.plugin_api.run_history import RunHistory
from floe_migrate.moving.mover import Mover
from floe_migrate.moving.records import Records
from floe_migrate.sides.chosen_sides import Sides
from floe_orchestrator_dagster import DagsterPlugin

SPEC = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: mover, version: 1.0.0, owner: data@example.com}
platform: {manifest: manifest.yaml}
schedule: {cron: "0 4 * * *"}
partitions: {by: day, start: "2026-11-01", select: daily, vars: {day: start_date}}
jobs: [{name: rest, select: rest}]
"""
FILES = {
    "models/daily.sql": "{{ config(materialized='incremental', unique_key='day') }} select '{{ var(\"day\") }}' as day",
    "models/rest.sql": "select 1 as n",
}
LAUNCH = """
mutation($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""
DAYS = ["2026-11-02", "2026-11-03"]
OF_ASSETS = {"assetSelection": [{"path": ["daily"]}], "partitionNames": DAYS}
REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": "mover"}
OF_A_JOB = {
    "selector": {"partitionSetName": "mover_partition_set", "repositorySelector": REPOSITORY},
    "partitionNames": DAYS,
}


@dataclass
class Backfilling:
    """An orchestrator that has backfills without a run; `go_on` lets it finish them."""

    product: MovingProduct
    name: str
    backfills: list[str]
    go_on: Callable[[], None]

    def mover(self) -> Mover:
        sides = Sides.read(self.product.of(self.name), [])
        source, target = sides.side(self.name), sides.side("prefect")
        return Mover(Records(sides.artifacts), source, target, (JOB,), timedelta(seconds=60), print)


@contextmanager
def on_dagster(folder: Path) -> Iterator[Backfilling]:
    product = MovingProduct(folder, SPEC, FILES)
    dagster = MovingDagster(product)
    with dagster.up():
        dagster.place.kill()
        backfills = []
        for params in (OF_ASSETS, OF_A_JOB):
            found = asked(dagster.place.url, LAUNCH, {"params": params})["launchPartitionBackfill"]
            assert found["__typename"] == "LaunchBackfillSuccess", found
            backfills.append(f"backfill {found['backfillId']}")
        yield Backfilling(product, "dagster", backfills, dagster.place.start_again)


@contextmanager
def on_airflow(folder: Path) -> Iterator[Backfilling]:
    product = MovingProduct(folder, SPEC, FILES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PASSWORD, "")
        airflow = MovingAirflow(product)
        with airflow.up():
            airflow.begin()
            api = airflow.processes.api

            def backfill() -> None:
                api.backfill(JOB, f"{DAYS[0]}T00:00:00Z", f"{DAYS[1]}T23:00:00Z")

            backfill()
            wait_for(lambda: all(each["completed_at"] for each in of_airflow(api)), 300)
            airflow.processes.kill("scheduler")
            backfill()
            name = f"backfill 2 of {DAYS[0]} to {DAYS[1]}"
            go_on = lambda: airflow.processes.start("scheduler")  # noqa: E731
            yield Backfilling(product, "airflow", [name], go_on)


def of_airflow(api: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.request("GET", f"/api/v2/backfills?dag_id={JOB}")["backfills"]
    return found


def is_starting(plugin: object) -> bool:
    """Return whether a schedule of others, which the job's own stands for, may just start a run."""
    if not isinstance(plugin, DagsterPlugin):
        return False
    return plugin.unmanaged_schedule("mover_schedule", 20.0).state().is_starting


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("start", [on_dagster, on_airflow])
def test_a_backfill_without_runs_is_named_and_waited_for(
    tmp_path: Path, start: Callable[[Path], Any]
) -> None:
    with start(tmp_path) as backfilling:
        mover = backfilling.mover()
        source = mover.source
        assert sorted(source.backfills(JOB)) == sorted(backfilling.backfills)
        assert [*source.backfills("rest")] == []
        assert isinstance(source.plugin, RunHistory)
        assert [run for run in source.runs(JOB) if not run.is_over] == []

        waits = f"is in progress on {backfilling.name}; a move waits for it"
        _, told = backfilling.product.migrate("plan", "--to", "prefect", "--no-parity")
        found = sorted(line for line in told.splitlines() if waits in line)
        assert found == sorted(f"note backfills: {each} {waits}" for each in backfilling.backfills)

        mover.begin()
        mover.announce()
        [reason] = mover.hand_over().values()
        assert reason in [
            f"{backfilling.name}: {each} is in progress" for each in backfilling.backfills
        ]
        assert is_starting(source.plugin) == (backfilling.name == "dagster")
        backfilling.go_on()
        wait_for(lambda: mover.hand_over() == {}, 400)
        assert [*source.backfills(JOB)] == []
        assert not is_starting(source.plugin)
        assert all(run.is_over for run in source.runs(JOB))
        assert mover.records.owners()[JOB].orchestrator == "prefect"
