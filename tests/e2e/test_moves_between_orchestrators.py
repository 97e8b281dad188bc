"""A live product moves from Dagster to another orchestrator and back: each tick runs exactly once.

The truth is in the rows that runs write, and in the orchestrators' own records of runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from free_port import free_port
from moving_dagster import MovingDagster
from moving_product import JOB, MovingProduct
from running_prefect import RunningPrefect
from wait_for import wait_for

from floe_core.schedules import ticks_between
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.local.home import USER
from floe_orchestrator_airflow.local.service import LocalAirflow

PASSWORD = "FLOE_TEST_AIRFLOW_PASSWORD"
EACH_MINUTE = timedelta(minutes=1)


class Airflow:
    """All components of an Airflow with the product."""

    def __init__(self, product: MovingProduct) -> None:
        self._product = product
        self._port = free_port()
        url = f"http://127.0.0.1:{self._port}"
        config = {"url": url, "username": USER, "password": f"env:{PASSWORD}"}
        self.artifacts: CompiledArtifacts = product.compile("airflow", config)

    @contextmanager
    def up(self) -> Iterator[None]:
        airflow = LocalAirflow(
            self._product.folder / "airflow-home",
            self.artifacts,
            follows_schedules=True,
            port=self._port,
        )
        with airflow, pytest.MonkeyPatch.context() as patch:
            patch.setenv(PASSWORD, airflow.home.password)
            self.api = airflow.api
            wait_for(lambda: airflow.api.dag(JOB) is not None, 300)
            yield

    def runs(self) -> list[tuple[datetime, str]]:
        """Return logical date and state of each DAG run, as Airflow's own API gives them."""
        found = self.api.request("GET", f"/api/v2/dags/{JOB}/dagRuns?limit=100")["dag_runs"]
        return [(datetime.fromisoformat(run["logical_date"]), run["state"]) for run in found]

    def built(self) -> list[datetime]:
        """Return the ticks whose build task succeeded; one of another owner's tick is skipped."""
        found = []
        for run in self.api.request("GET", f"/api/v2/dags/{JOB}/dagRuns?limit=100")["dag_runs"]:
            tasks = self.api.task_instances(JOB, run["dag_run_id"])
            states = {task["task_id"]: task["state"] for task in tasks}
            if states.get("dbt_build") == "success":
                found.append(datetime.fromisoformat(run["logical_date"]))
        return found


class Prefect:
    """A server and the process that serves the product."""

    def __init__(self, product: MovingProduct) -> None:
        self._prefect = RunningPrefect(product.folder)
        self._artifacts = product.compile("prefect", {"url": self._prefect.url})

    @contextmanager
    def up(self) -> Iterator[None]:
        with self._prefect.up(), self._prefect.serving(self._artifacts.folder):
            yield

    def built(self) -> list[datetime]:
        """Return the ticks of the flow runs that completed, as Prefect's own API gives them."""
        done = [run for run in self._prefect.runs(JOB) if run["state"]["name"] == "Completed"]
        given = [run["parameters"].get("nominal_time") for run in done]
        ticks = [each or run["expected_start_time"] for each, run in zip(given, done, strict=True)]
        return [datetime.fromisoformat(tick.replace("Z", "+00:00")) for tick in ticks]


TARGETS = {"airflow": Airflow, "prefect": Prefect}


@pytest.mark.slow
@pytest.mark.timeout(2400)
@pytest.mark.parametrize("name", sorted(TARGETS))
def test_each_tick_runs_once_while_a_product_moves_there_and_back(
    tmp_path: Path, name: str
) -> None:
    product = MovingProduct(tmp_path)
    dagster, other = MovingDagster(product), TARGETS[name](product)
    with dagster.up(), pytest.MonkeyPatch.context() as patch:
        patch.setenv(PASSWORD, "not known yet")
        wait_for(lambda: len(dagster.built()) >= 1, 240)

        # Records the source, and then waits for nothing: the target is not there.
        code, told = product.migrate("apply", "--to", name)
        assert (code, f"{name} does not respond, or does not have job 'mover'" in told) == (3, True)
        with other.up():
            wait_for(dagster.is_running, 120)
            product.kill_once_told("runs what comes before", "apply", "--to", name)
            code, told = product.migrate("apply", "--to", name)
            assert code == 0, told
            assert f"mover: moved to {name}" in told
            moved = datetime.now(UTC)
            wait_for(lambda: len([t for t in other.built() if t > moved]) >= 2, 400)

            product.kill_once_told("runs what comes before", "rollback")
            code, told = product.migrate("apply", "--to", "dagster", "--from", name)
            assert code == 0, told
            back = datetime.now(UTC)
            wait_for(lambda: len([t for t in dagster.built() if t > back]) >= 2, 400)

            code, told = product.migrate("status", "--json")
            [state] = json.loads(told)
            assert (state["owner"]["orchestrator"], state["owner"]["epoch"]) == ("dagster", 3)
            assert {each["state"] for each in state["claims"][1:]} == {"success"}
            last = max(dagster.built())
            wait_for(lambda: not dagster.is_running(), 120)
            by_dagster, by_other, rows = dagster.built(), other.built(), product.ticks()
    expected = ticks_between("* * * * *", "UTC", min(by_dagster), last + EACH_MINUTE)
    assert [tick for tick in rows if tick <= last] == expected
    assert sorted(t for t in (*by_dagster, *by_other) if t <= last) == expected
    assert len(by_other) >= 2
