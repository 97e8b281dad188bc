"""On each running orchestrator, a month starts once, when its last day was built elsewhere."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from dagster import DagsterInstance
from dagster_process import dagster_process
from monthly_report import Platform
from running_prefect import RunningPrefect
from wait_for import wait_for

from floe_core.ports.decision import period_in
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.local.service import LocalAirflow

pytestmark = pytest.mark.slow

SOON, NOTHING_COMES = 90.0, 25.0
SERVE = """\
from pathlib import Path

from floe_orchestrator_prefect import load_product_flows, serve_products

if __name__ == "__main__":
    serve_products(load_product_flows("report", Path(__file__).parent / "report"))
"""
# How each run that was started says for which partition it is.
Started = Callable[[], list[str]]


def months_start(platform: Platform, running: AbstractContextManager[Started]) -> None:
    with running as started:
        platform.build_days("1", "2026-01-01...2026-01-30")
        platform.build_days("2", "2026-02-01...2026-02-28", amount=2)
        wait_for(lambda: platform.months() == {"2026-02": 56}, SOON)
        assert started() == ["2026-02"]
        time.sleep(NOTHING_COMES)
        assert started() == ["2026-02"], "January lacks a day"
        platform.build_days("3", "2026-01-31")
        wait_for(lambda: platform.months() == {"2026-01": 31, "2026-02": 56}, SOON)
        platform.build_days("4", "2026-01-05", amount=100)
        time.sleep(NOTHING_COMES)
        assert started() == ["2026-02", "2026-01"], "each once"
    assert platform.months() == {"2026-01": 31, "2026-02": 56}


def compiled(folder: Path, orchestrator: str) -> Platform:
    platform = Platform(folder / "platform", orchestrator)
    platform.compile("sales")
    platform.compile("report")
    return platform


@contextmanager
def dagster_of(platform: Platform, home: Path) -> Iterator[Started]:
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    file = {"relative_path": f"{platform.folder}/report/definitions.py"}
    (home / "workspace.yaml").write_text(json.dumps({"load_from": [{"python_file": file}]}))

    def started() -> list[str]:
        with DagsterInstance.from_config(str(home)) as instance:
            return [run.tags["dagster/partition"] for run in reversed(instance.get_runs())]

    with dagster_process(["dagster-daemon", "run", "-w", "workspace.yaml"], home):
        yield started


@contextmanager
def airflow_of(platform: Platform, home: Path) -> Iterator[Started]:
    report = CompiledArtifacts.load(platform.folder / "report")
    with LocalAirflow(home, report, follows_schedules=True) as airflow:
        airflow.api.request("PATCH", "/api/v2/dags/report", {"is_paused": False})

        def started() -> list[str]:
            way = "/api/v2/dags/report/dagRuns"
            found = airflow.api.request("GET", f"{way}?order_by=run_after")["dag_runs"]
            ids = [run["dag_run_id"] for run in found]
            events = [
                airflow.api.request("GET", f"{way}/{run_id}/upstreamAssetEvents") for run_id in ids
            ]
            return [period_in(each["asset_events"][0]["extra"]["payload"]) for each in events]

        yield started


@contextmanager
def prefect_of(platform: Platform, home: Path) -> Iterator[Started]:
    home.mkdir()
    (platform.folder / "serve.py").write_text(SERVE)
    prefect = RunningPrefect(home)

    def started() -> list[str]:
        wanted = {"flows": {"name": {"any_": ["report"]}}, "sort": "EXPECTED_START_TIME_ASC"}
        runs = prefect.request("POST", "/flow_runs/filter", wanted)
        return [run["parameters"]["partitions"] for run in runs]

    with prefect.up(), prefect.serving(platform.folder, "serve.py"):
        yield started


@pytest.mark.parametrize("name", ["dagster", "airflow", "prefect"])
def test_a_month_starts_once_when_its_last_day_is_there(name: str, tmp_path: Path) -> None:
    platform = compiled(tmp_path, name)
    running = {"dagster": dagster_of, "airflow": airflow_of, "prefect": prefect_of}[name]
    months_start(platform, running(platform, tmp_path / "home"))
