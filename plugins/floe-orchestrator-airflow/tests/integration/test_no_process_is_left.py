"""However a run ends, nothing of its Airflow stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from pathlib import Path

import psutil
import pytest
from wait_for import wait_for

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.local.service import LocalAirflow

pytestmark = pytest.mark.slow
# pytest's own, and started here: dbt, which compiles in this process, starts it in a product's folder.
resource_tracker.ensure_running()

PROGRAM = """
import os, signal, sys
from floe_core.runs.build_events import NodeStarted
from floe_core.plugin_api.powers import RunOptions
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow import AirflowPlugin

def hear(event):
    if isinstance(event, NodeStarted):
        print("building", flush=True)

artifacts = CompiledArtifacts.load(sys.argv[1])
AirflowPlugin().launch_run(artifacts, RunOptions(job="endless"), hear)
"""
ENDLESS = {
    "endless.sql": (
        "select count(*) as n from range(100000) a, range(10000000) b "
        "where a.range * b.range % 7 = 3"
    )
}


def processes_of(folder: Path) -> list[psutil.Process]:
    """Return what runs in an Airflow of this product: Airflow hides the environment of some."""
    found = []
    for process in psutil.process_iter():
        try:
            places = (process.cwd(), process.environ().get("AIRFLOW_HOME", ""))
            is_ended = process.status() == psutil.STATUS_ZOMBIE
            if any(place.startswith(str(folder)) for place in places) and not is_ended:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def host_of(folder: Path) -> psutil.Process:
    [found] = [p for p in processes_of(folder) if p.pid == os.getsid(p.pid)]
    return found


def assert_none_is_left(folder: Path, seconds: float = 60) -> None:
    wait_for(lambda: not processes_of(folder), seconds)


@contextmanager
def building(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Give a run whose dbt is at work."""
    command = [sys.executable, "-c", PROGRAM, str(folder)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "building\n"
        assert len(processes_of(folder)) >= 9
        yield run


@pytest.fixture(scope="module")
def endless(make_product: Callable[..., CompiledArtifacts]) -> Path:
    folder = make_product("endless", ENDLESS).project_dir
    assert folder is not None
    return folder


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_ended_from_outside_leaves_no_process(
    endless: Path, number: signal.Signals
) -> None:
    with building(endless) as run:
        os.kill(run.pid, number)
        run.wait(60)
    assert_none_is_left(endless, 30)


def test_a_killed_airflow_ends_the_run_with_an_error_and_leaves_no_process(endless: Path) -> None:
    with building(endless) as run:
        host_of(endless).kill()
        _, errors = run.communicate(timeout=60)
    assert run.returncode == 1
    assert "the local Airflow ended while running the product" in errors
    assert_none_is_left(endless)


def test_a_run_and_its_airflow_killed_at_once_leave_no_process(endless: Path) -> None:
    with building(endless) as run:
        host = host_of(endless)
        run.kill()
        host.kill()
        run.wait(60)
    assert_none_is_left(endless)


def test_the_next_run_ends_what_an_earlier_one_has_left_all_the_same(endless: Path) -> None:
    with building(endless) as run:
        host = host_of(endless)
        [scheduler] = [p for p in host.children() if len(p.children()) >= 4]
        # What is stopped does not notice that its host is gone.
        scheduler.suspend()
        run.kill()
        host.kill()
        run.wait(60)
    time.sleep(3)
    assert scheduler.is_running()
    with LocalAirflow(endless / ".floe/airflow"):
        assert not scheduler.is_running()
    assert_none_is_left(endless)
