"""The files of docs/embedding-dagster.md, run by Dagster's daemon."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import duckdb
import pytest
from dagster import AssetKey, DagsterEventType, DagsterInstance, DagsterRun, RunsFilter
from dagster_process import dagster_process
from embedded_product import BAD, GOOD, TOTALS, EmbeddedProduct
from wait_for import wait_for

pytestmark = pytest.mark.slow
WORKSPACE = """\
load_from:
  - python_file: {relative_path: definitions.py, location_name: shop}
  - python_file: {relative_path: ../eager/automation.py, location_name: eager-shop}
"""
BUILT = DagsterEventType.ASSET_MATERIALIZATION


class Team:
    """The team's definitions, on an instance that a daemon serves."""

    def __init__(self, project: EmbeddedProduct, instance: DagsterInstance) -> None:
        self.project, self.instance = project, instance

    def ended(self, number: int) -> DagsterRun:
        """Return the run of `nightly` that ended as the one of this number."""
        wait_for(lambda: len(self.finished("nightly")) >= number, 180)
        return self.finished("nightly")[number - 1]

    def built_by_conditions(self) -> list[str]:
        """Return what the runs that conditions started have materialized, in order."""
        return [key for run in self.finished("__ASSET_JOB") for key in self.built(run)]

    def finished(self, job: str) -> list[DagsterRun]:
        """Return the runs that are over, in order."""
        found = self.instance.get_runs(RunsFilter(job_name=job), ascending=True)
        return [run for run in found if run.is_finished]

    def built(self, run: DagsterRun) -> list[str]:
        """Return the keys that a run materialized, in order."""
        entries = self.instance.all_logs(run.run_id, of_type=BUILT)
        events = [entry.dagster_event for entry in entries]
        return [event.asset_key.to_user_string() for event in events if event and event.asset_key]


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    folder = tmp_path_factory.mktemp("team")
    project = EmbeddedProduct(folder / "project", "dagster")
    # Conditions start a run while another one is under way: each has a warehouse of its own.
    with duckdb.connect(str(EmbeddedProduct(folder / "eager", "dagster").warehouse)) as warehouse:
        warehouse.execute(
            "create schema raw; create table raw.orders as select 1 as id, 2 as cents"
        )
        warehouse.execute(
            "create schema ml; create table ml.scores as select 1 as id, true as is_large"
        )
    home = folder / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    (project.folder / "workspace.yaml").write_text(WORKSPACE)
    daemon = ["dagster-daemon", "run", "-w", project.folder / "workspace.yaml"]
    with ExitStack() as stack:
        instance = stack.enter_context(DagsterInstance.from_config(str(home)))
        stack.enter_context(dagster_process(daemon, home, project.folder))
        yield Team(project, instance)


@pytest.fixture(scope="module")
def nightly(team: Team) -> DagsterRun:
    team.project.receive("1.csv", GOOD)
    return team.ended(1)


def test_a_sensor_starts_python_before_between_and_after_the_models(
    team: Team, nightly: DagsterRun
) -> None:
    assert nightly.is_success
    expected = ["raw/orders", "stg_orders", "ml/scores", "order_totals", "push_totals"]
    assert team.built(nightly) == expected
    assert team.project.totals() == TOTALS


def test_a_condition_builds_what_is_downstream_of_what_was_built(
    team: Team, nightly: DagsterRun
) -> None:
    wait_for(lambda: "eager/order_totals" in team.built_by_conditions(), 180)
    assert team.built_by_conditions()[:2] == ["eager/stg_orders", "eager/order_totals"]


def test_a_test_that_fails_is_alerted_with_its_name(team: Team, nightly: DagsterRun) -> None:
    team.project.receive("2.csv", BAD)
    failed = team.ended(2)
    assert not failed.is_success
    assert team.built(failed) == ["raw/orders", "stg_orders"]
    wait_for(lambda: "nightly failed" in team.project.alerts(), 60)
    assert "test.shop.not_null_stg_orders_id" in team.project.alerts()


def test_a_partition_of_the_page_reaches_dbt(team: Team, nightly: DagsterRun) -> None:
    page = runpy.run_path(str(team.project.folder / "partitions.py"))
    job = page["defs"].resolve_job_def("every_day")
    assert job.execute_in_process(
        partition_key="2026-01-02", asset_selection=[AssetKey("order_totals")]
    ).success
    with duckdb.connect(str(team.project.warehouse)) as warehouse:
        built_for = warehouse.execute("select distinct built_for from order_totals").fetchall()
    assert built_for == [("2026-01-03T00:00:00+00:00",)]
    # One of dbt's batches each, also when clocks change.
    for key in ("2026-01-02", "2026-03-29", "2026-10-25"):
        window = page["daily"].time_window_for_partition_key(key)
        batch = datetime.fromisoformat(key).replace(tzinfo=UTC)
        assert (window.start, window.end) == (batch, batch + timedelta(days=1))
