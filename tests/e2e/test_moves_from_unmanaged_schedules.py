"""A DAG, a schedule and a deployment that floe does not manage hand their ticks to floe, and take them back.

Both call plain dbt each minute. The truth is in the rows that dbt writes, and in the orchestrators'
own records of runs.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from free_port import free_port
from moving_dagster import MovingDagster
from moving_product import MovingProduct
from running_prefect import RunningPrefect
from wait_for import wait_for

from floe_core.schedules import ticks_between
from floe_orchestrator_airflow.local.home import USER
from floe_orchestrator_airflow.local.service import LocalAirflow

PASSWORD = "FLOE_TEST_AIRFLOW_PASSWORD"
EACH_MINUTE = timedelta(minutes=1)
BUILD = (
    f"{Path(sys.executable).with_name('dbt')} build --project-dir {{folder}} "
    "--profiles-dir {folder} --target-path {target} --log-path {target} --vars "
)
DAG = '''
from datetime import datetime

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG("nightly", schedule="* * * * *", start_date=datetime(2026, 1, 1), catchup=False):
    wait = BashOperator(task_id="wait", bash_command="sleep 6")
    nominal_time = "{{{{ dag_run.run_after.isoformat() }}}}"
    wait >> BashOperator(
        task_id="dbt",
        bash_command="""{build} '{{"floe_nominal_time": "%s"}}'""" % nominal_time,
        env={{"WHO": "dag"}},
        append_env=True,
    )
'''
DEFINITIONS = '''
import json
import os
import subprocess

from dagster import DefaultScheduleStatus, Definitions, RunRequest, job, op, schedule

BUILD = """{build}"""


@op
def dbt(context) -> None:
    tick = context.run.tags["team/tick"]
    words = [*BUILD.split(), json.dumps({{"floe_nominal_time": tick}})]
    subprocess.run(words, check=True, env={{**os.environ, "WHO": "schedule"}})


@job
def build() -> None:
    dbt()


@schedule(
    cron_schedule="* * * * *",
    job=build,
    execution_timezone="UTC",
    default_status=DefaultScheduleStatus.RUNNING,
)
def nightly(context):
    return RunRequest(tags={{"team/tick": context.scheduled_execution_time.isoformat()}})


defs = Definitions(jobs=[build], schedules=[nightly])
'''
FLOW = '''
import json
import os
import subprocess

from prefect import flow, runtime

BUILD = """{build}"""


@flow
def team() -> None:
    tick = runtime.flow_run.scheduled_start_time.isoformat()
    words = [*BUILD.split(), json.dumps({{"floe_nominal_time": tick}})]
    subprocess.run(words, check=True, env={{**os.environ, "WHO": "deployment"}})


if __name__ == "__main__":
    team.serve(name="nightly", cron="* * * * *", limit=1)
'''


def build_words(product: MovingProduct) -> str:
    return BUILD.format(folder=product.of("dagster"), target=product.folder / "plain-target")


class TeamsAirflow:
    """An Airflow with a DAG of the team; the product runs on a Dagster."""

    name = "airflow:nightly"

    def __init__(self, product: MovingProduct) -> None:
        self._product, self._port = product, free_port()
        url = f"http://127.0.0.1:{self._port}"
        config = {"url": url, "username": USER, "password": f"env:{PASSWORD}"}
        product.write_manifest("airflow", config)
        self.dagster = MovingDagster(product)

    @contextmanager
    def up(self) -> Iterator[None]:
        folder = self._product.folder / "airflow-home"
        airflow = LocalAirflow(folder, follows_schedules=True, port=self._port)
        with airflow, pytest.MonkeyPatch.context() as patch:
            patch.setenv(PASSWORD, airflow.home.password)
            text = DAG.format(build=build_words(self._product))
            (airflow.home.dags / "nightly.py").write_text(text)
            self._api = airflow.api
            wait_for(lambda: airflow.api.dag("nightly") is not None, 300)
            airflow.api.unpause("nightly")
            with self.dagster.up():
                yield

    def built(self) -> list[datetime]:
        """Return the ticks of the runs that Airflow's scheduler created and that succeeded."""
        wanted = "run_type=scheduled&state=success&limit=100"
        found = self._api.request("GET", f"/api/v2/dags/nightly/dagRuns?{wanted}")["dag_runs"]
        return [datetime.fromisoformat(run["run_after"]) for run in found]


class TeamsDagster:
    """A Dagster with a schedule of the team in a code location beside the product's."""

    name = "dagster:nightly"

    def __init__(self, product: MovingProduct) -> None:
        self._file = product.folder / "team.py"
        self._file.write_text(DEFINITIONS.format(build=build_words(product)))
        self.dagster = MovingDagster(product, team_file=self._file)

    @contextmanager
    def up(self) -> Iterator[None]:
        with self.dagster.up():
            yield

    def built(self) -> list[datetime]:
        runs = self.dagster.runs("team/tick")
        return [tick for tick, status in runs if status == "SUCCESS"]


class TeamsPrefect:
    """A Prefect with a deployment of the team; the product runs on a Dagster."""

    name = "prefect:team/nightly"

    def __init__(self, product: MovingProduct) -> None:
        self._folder = product.folder
        self._prefect = RunningPrefect(product.folder)
        product.write_manifest("prefect", {"url": self._prefect.url})
        self.dagster = MovingDagster(product)
        (self._folder / "team.py").write_text(FLOW.format(build=build_words(product)))

    @contextmanager
    def up(self) -> Iterator[None]:
        with (
            self._prefect.up(),
            self._prefect.serving(self._folder, "team.py"),
            self.dagster.up(),
        ):
            yield

    def built(self) -> list[datetime]:
        """Return the ticks of the runs that Prefect's scheduler created and that completed."""
        return [
            datetime.fromisoformat(run["expected_start_time"].replace("Z", "+00:00"))
            for run in self._prefect.runs("team")
            if run["auto_scheduled"] and run["state"]["type"] == "COMPLETED"
        ]


@pytest.mark.slow
@pytest.mark.timeout(2400)
@pytest.mark.parametrize("team", [TeamsAirflow, TeamsDagster, TeamsPrefect])
def test_each_tick_runs_once_while_floe_takes_a_schedule_over_and_hands_it_back(
    tmp_path: Path, team: type[TeamsAirflow] | type[TeamsDagster] | type[TeamsPrefect]
) -> None:
    product = MovingProduct(tmp_path)
    old = team(product)
    dagster = old.dagster
    # Its location loads with the record that the old one owns the job.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PASSWORD, "not known yet")
        apply = ("apply", "--from", old.name, "--to", "dagster")
        code, told = product.migrate(*apply)
        assert (
            code,
            "could not be" in told or "does not respond" in told or "connect" in told,
        ) == (
            3,
            True,
        ), told
        with old.up():
            wait_for(lambda: len(old.built()) >= 1, 400)
            for step in ("runs what comes after", "paused"):
                product.kill_once_told(step, *apply)
            code, told = product.migrate(*apply)
            assert code == 0, told
            assert f"mover: {old.name} may just be" in told or "owns it (epoch 2)" in told
            moved = datetime.now(UTC)
            wait_for(lambda: len([t for t in dagster.built() if t > moved]) >= 2, 900)

            product.kill_once_told("runs what comes before", "rollback")
            product.kill_once_told("resumed", "apply", "--to", old.name)
            code, told = product.migrate("apply", "--to", old.name)
            assert code == 0, told
            back = datetime.now(UTC)
            wait_for(lambda: len([t for t in old.built() if t > back]) >= 2, 900)
            _, told = product.migrate("status", "--json")
            [state] = json.loads(told)
            assert (state["owner"]["orchestrator"], state["owner"]["epoch"]) == (old.name, 3)
            by_old, by_floe = old.built(), dagster.built()
            last = max(by_old)
    expected = ticks_between("* * * * *", "UTC", min(by_old), last + EACH_MINUTE)
    rows = [tick for tick in product.ticks() if tick <= last]
    assert rows == expected
    assert sorted((*by_old, *by_floe)) == expected
    assert len(by_floe) >= 2
