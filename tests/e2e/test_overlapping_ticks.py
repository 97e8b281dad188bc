"""Ticks come faster than runs end: no run overtakes another one, or waits as a process."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import duckdb
import psutil
import pytest
from alert_receiver import alert_receiver
from dagster_process import dagster_process
from running_prefect import RunningPrefect
from wait_for import wait_for

from floe_core.compiler import compile_product
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.local.service import LocalAirflow
from floe_orchestrator_dagster.local.instance_home import instance_home

MINUTES = float(os.environ.get("FLOE_SOAK_MINUTES", "8"))
pytestmark = [pytest.mark.slow, pytest.mark.timeout(MINUTES * 60 + 900)]
MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: ORCHESTRATOR}
  compute: {type: duckdb, config: {path: "{product_slug}.duckdb", threads: 1}}
"""
FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: busy, version: 1.0.0}
platform: {manifest: manifest.yaml}
schedule: {cron: "* * * * *", timezone: UTC}
alerts: [{on: [failure, warning, recovery], to: "env:FLOE_TEST_ALERTS"}]
"""
SECONDS = 90
SLOW = """\
import time

def model(dbt, session):
    time.sleep(SECONDS)
    return session.sql("select 1 as id")
"""
TICKS = """\
{{ config(materialized="incremental") }}
select '{{ var("floe_nominal_time") }}' as tick, '{{ run_started_at }}' as started_at
from {{ ref("slow") }}
"""
Running = Callable[[CompiledArtifacts, Path], AbstractContextManager[None]]


@contextmanager
def running_dagster(artifacts: CompiledArtifacts, folder: Path) -> Iterator[None]:
    home = instance_home(artifacts.folder, artifacts.product.name)
    command = ["dagster-daemon", "run", "-w", home / "workspace.yaml"]
    with dagster_process(command, home, artifacts.folder):
        yield


@contextmanager
def running_airflow(artifacts: CompiledArtifacts, folder: Path) -> Iterator[None]:
    with LocalAirflow(folder / "airflow", artifacts, follows_schedules=True) as airflow:
        wait_for(lambda: airflow.api.dag("busy") is not None, 300)
        airflow.api.unpause("busy")
        yield


@contextmanager
def served_prefect(artifacts: CompiledArtifacts, folder: Path) -> Iterator[None]:
    prefect = RunningPrefect(folder)
    with ExitStack() as stack:
        stack.enter_context(prefect.up())
        stack.enter_context(prefect.serving(artifacts.folder))
        yield


def builds_under_way(folder: Path) -> int:
    """Return how many builds have begun and not ended: each is a process, at work or waiting."""
    journals = (folder / ".floe" / "runs").glob("*/events.jsonl")
    return sum('"BuildEnded"' not in journal.read_text() for journal in journals)


# The command line of a process that works for one run, and that of its parent.
WORKERS = {
    "dagster": (r"multiprocessing\.spawn", r"dagster api grpc"),
    "airflow": (r"airflow worker -- [0-9a-f-]{36}", r""),
    "prefect": (r"-m prefect\.engine", r""),
}


# One process may still end when that of the next run begins, but two have not been there as long.
TO_CHANGE = 20.0


def workers_of_runs(orchestrator: str) -> int:
    """Return how many processes work for runs, of those that this test has started."""
    started = psutil.Process().children(recursive=True)
    return sum(is_worker(each, *WORKERS[orchestrator]) for each in started)


def is_worker(process: psutil.Process, of_worker: str, of_parent: str) -> bool:
    """Tell whether a process is there for a while, and it and its parent were called like this."""
    try:
        if time.time() - process.create_time() < TO_CHANGE:
            return False
        pairs = ((process, of_worker), (process.parent() or process, of_parent))
        return all(re.search(pattern, " ".join(each.cmdline())) for each, pattern in pairs)
    except psutil.NoSuchProcess:
        return False


on_each = pytest.mark.parametrize(
    ("orchestrator", "running"),
    [
        pytest.param("dagster", running_dagster, id="dagster"),
        pytest.param("airflow", running_airflow, id="airflow"),
        pytest.param("prefect", served_prefect, id="prefect"),
    ],
)


@dataclass(frozen=True)
class Soak:
    """What a product left behind whose ticks came faster than its runs ended.

    `ticks` are those that were built, in the order of the builds, `late` how late each build began,
    `most_builds` how many were under way at the same time, `most_workers` how many processes worked
    for runs then, and `alerts` the titles that were sent.
    """

    ticks: list[datetime]
    late: list[timedelta]
    most_builds: int
    most_workers: int
    alerts: list[str]


def soak(orchestrator: str, running: Running, tmp_path: Path, floe: str = FLOE) -> Soak:
    """Run the product for `MINUTES`; each of its runs takes `SECONDS`."""
    folder = tmp_path / "product"
    (folder / "models").mkdir(parents=True)
    (folder / "manifest.yaml").write_text(MANIFEST.replace("ORCHESTRATOR", orchestrator))
    (folder / "floe.yaml").write_text(floe)
    (folder / "dbt_project.yml").write_text("name: busy\nversion: 1.0.0\nprofile: busy\n")
    (folder / "models" / "slow.py").write_text(SLOW.replace("SECONDS", str(SECONDS)))
    (folder / "models" / "ticks.sql").write_text(TICKS)
    artifacts, most_builds, most_workers = compile_product(folder), 0, 0
    with alert_receiver() as receiver, pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setenv("FLOE_TEST_ALERTS", receiver.url)
        stack.enter_context(running(artifacts, tmp_path))
        end = time.monotonic() + MINUTES * 60
        while time.monotonic() < end:
            most_builds = max(most_builds, builds_under_way(folder))
            most_workers = max(most_workers, workers_of_runs(orchestrator))
            time.sleep(0.5)
        alerts = list(receiver.titles)  # The end of the orchestrator ends a run as well.
    with duckdb.connect(str(folder / "busy.duckdb"), read_only=True) as connection:
        rows = connection.execute("select tick, started_at from ticks order by rowid").fetchall()
    ticks = [datetime.fromisoformat(tick) for tick, _ in rows]
    late = [
        datetime.fromisoformat(at).astimezone(UTC) - tick
        for (_, at), tick in zip(rows, ticks, strict=True)
    ]
    print(f"{orchestrator}: {len(ticks)} runs in {MINUTES:.0f} minutes, {most_builds} at once")
    print(f"{most_workers} workers at once")
    print(
        f"ticks {[f'{tick:%H:%M}' for tick in ticks]}, late by {[each.seconds for each in late]} s"
    )
    return Soak(ticks, late, most_builds, most_workers, alerts)


@on_each
def test_runs_take_turns_and_wait_in_the_orchestrator(
    orchestrator: str, running: Running, tmp_path: Path
) -> None:
    found = soak(orchestrator, running, tmp_path)
    assert found.ticks == sorted(set(found.ticks))
    assert (found.most_builds, found.most_workers) == (1, 1)
    # The latest tick runs next: none that a later one had passed by, and nobody is told of those.
    assert max(found.late) < timedelta(seconds=60 + 45)
    assert found.alerts == []
    assert len(found.ticks) >= (MINUTES - 2) * 60 / (SECONDS + 75)


@on_each
def test_with_catchup_each_tick_runs_in_order(
    orchestrator: str, running: Running, tmp_path: Path
) -> None:
    floe = FLOE.replace("timezone: UTC", "timezone: UTC, catchup: true")
    found = soak(orchestrator, running, tmp_path, floe)
    steps = {later - earlier for earlier, later in pairwise(found.ticks)}
    assert (steps, found.alerts) == ({timedelta(minutes=1)}, [])
    assert (found.most_builds, found.most_workers) == (1, 1)
    assert len(found.ticks) >= (MINUTES - 2) * 60 / (SECONDS + 75)
