"""Partitions of floe.yaml on a real Airflow: what its API says of runs, asset events, consumers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import pytest
from team_dags import add_dag_file, runs_of, wait_for

from floe_core.compiler import compile_product
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.local.service import LocalAirflow

pytestmark = pytest.mark.slow

MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {{name: platform, version: 1.0.0, owner: platform@example.com}}
plugins:
  orchestrator: {{type: airflow, config: {{partition_keys: {keys}}}}}
  compute: {{type: duckdb, config: {{path: "{{product_slug}}.duckdb", threads: 1}}}}
"""
FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {{name: {name}, version: 1.0.0, owner: data@example.com}}
platform: {{manifest: manifest.yaml}}
schedule: {{cron: "* * * * *", timezone: UTC}}
partitions: {{by: day, start: 2026-01-01, select: daily, vars: {{day: start_date}}}}
execution: {{granularity: product}}
"""
DAILY = """\
{{ config(materialized='incremental', unique_key='day') }}
select cast('{{ var("day") }}' as date) as day, '{{ var("floe_nominal_time") }}' as nominal_time
"""
CONSUMERS = """\
from airflow.sdk import DAG, Asset, PartitionedAssetTimetable, task

DAILY = Asset("floe://{name}/daily")
for dag_id, schedule in {{
    "{name}_plain": [DAILY],
    "{name}_partitioned": PartitionedAssetTimetable(assets=DAILY),
}}.items():
    with DAG(dag_id, schedule=schedule):
        task(lambda: None, task_id="read")()
"""


class Product:
    """A product in a running Airflow, with two DAGs that wait for its asset."""

    def __init__(self, airflow: LocalAirflow, folder: Path, name: str, keys: str) -> None:
        self.airflow, self.name = airflow, name
        (folder / "models").mkdir(parents=True)
        (folder / "manifest.yaml").write_text(MANIFEST.format(keys=keys))
        (folder / "floe.yaml").write_text(FLOE.format(name=name))
        (folder / "dbt_project.yml").write_text(f"name: {name}\nversion: 1.0.0\nprofile: {name}\n")
        (folder / "models/daily.sql").write_text(DAILY)
        self.artifacts: CompiledArtifacts = compile_product(folder)
        text = CONSUMERS.format(name=name)
        add_dag_file(airflow, f"{name}_consumers", text, f"{name}_plain")
        airflow.api.unpause(f"{name}_partitioned")

    def start(self) -> None:
        """Show Airflow the product, whose schedule runs each minute."""
        self.airflow.add(self.artifacts, self.name)
        self.airflow.api.unpause(self.name)

    def ended(self, **by: Any) -> list[dict[str, Any]]:
        """Return the runs that have ended and have these values."""
        found = [run for run in runs_of(self.airflow, self.name) if run["state"] != "running"]
        return [
            run
            for run in found
            if run["state"] in ("success", "failed")
            and all(run[name] == value for name, value in by.items())
        ]

    def events(self, run_id: str) -> list[dict[str, Any]]:
        query = f"source_dag_id={self.name}&source_run_id={quote(run_id, safe='')}"
        found = self.airflow.api.request("GET", f"/api/v2/assets/events?{query}")
        return list(found["asset_events"])

    def days(self) -> list[str]:
        [file] = self.artifacts.folder.glob("*.duckdb")
        with duckdb.connect(str(file), read_only=True) as connection:
            found = connection.execute("select day from daily order by day").fetchall()
        return [day.isoformat() for (day,) in found]


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAirflow]:
    folder = tmp_path_factory.mktemp("partitions")
    with LocalAirflow(folder, follows_schedules=True) as running:
        yield running


def wait_for_start(airflow: LocalAirflow, dag_id: str) -> None:
    """Wait until the runs of a consumer have started: until then Airflow's API of events fails."""
    wait_for(lambda: [r for r in runs_of(airflow, dag_id) if r["start_date"]] != [])
    wait_for(lambda: all(r["start_date"] for r in runs_of(airflow, dag_id)))


def yesterday() -> str:
    return (datetime.now(UTC) - timedelta(days=1)).date().isoformat()


def test_without_keys_a_tick_builds_its_partition_and_every_consumer_goes_on(
    airflow: LocalAirflow, tmp_path_factory: pytest.TempPathFactory
) -> None:
    product = Product(airflow, tmp_path_factory.mktemp("plain") / "p", "plainly", "false")
    day = yesterday()
    product.start()
    wait_for(lambda: product.ended(run_type="scheduled"))
    run = product.ended(run_type="scheduled")[0]
    assert (run["state"], run["partition_key"]) == ("success", None)
    assert run["logical_date"] is not None
    assert product.days() in ([day], [yesterday()], [day, yesterday()])
    wait_for_start(airflow, "plainly_plain")
    [event] = product.events(run["dag_run_id"])
    assert event["partition_key"] is None
    assert event["extra"]["partitions"] in ({day: "success"}, {yesterday(): "success"})
    airflow.api.trigger("plainly", None, {"partitions": "2026-03-01...2026-03-03"})
    wait_for(lambda: product.ended(run_type="manual"))
    assert [run["state"] for run in product.ended(run_type="manual")] == ["success"]
    assert product.days()[:3] == ["2026-03-01", "2026-03-02", "2026-03-03"]


def test_with_keys_runs_and_events_have_them_and_partitioned_consumers_are_started(
    airflow: LocalAirflow, tmp_path_factory: pytest.TempPathFactory
) -> None:
    product = Product(airflow, tmp_path_factory.mktemp("keyed") / "p", "keyed", "true")
    product.start()
    wait_for(lambda: product.ended(run_type="scheduled"))
    run = product.ended(run_type="scheduled")[0]
    assert run["state"] == "success"
    assert run["partition_key"] == yesterday()
    assert run["logical_date"] is not None
    wait_for_start(airflow, "keyed_partitioned")
    [event] = product.events(run["dag_run_id"])
    assert event["partition_key"] == run["partition_key"]
    started = runs_of(airflow, "keyed_partitioned")
    assert {each["partition_key"] for each in started} == {run["partition_key"]}
    body = {"logical_date": None, "partition_key": "2026-02-28", "conf": {}}
    airflow.api.request("POST", "/api/v2/dags/keyed/dagRuns", body)
    wait_for(lambda: product.ended(run_type="manual"))
    [by_hand] = product.ended(run_type="manual")
    assert (by_hand["state"], by_hand["partition_key"]) == ("success", "2026-02-28")
    assert product.days()[0] == "2026-02-28"
    # What docs/partitions.md warns of, and why keys are asked for.
    time.sleep(5)
    assert runs_of(airflow, "keyed_plain") == []
