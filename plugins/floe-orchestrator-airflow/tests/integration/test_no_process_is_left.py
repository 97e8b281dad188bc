"""However a run ends, nothing of its Airflow stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from floe_core.schemas.compiled_artifacts import CompiledArtifacts

PROGRAM = """
import os, signal, sys
from floe_core.build_events import NodeStarted
from floe_core.plugin_powers import RunOptions
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


def processes_of(folder: Path) -> list[str]:
    """Return the command lines of what runs in an Airflow of this product."""
    found = []
    for process in psutil.process_iter():
        try:
            home = process.environ().get("AIRFLOW_HOME", "")
            if home.startswith(str(folder)) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


@pytest.fixture(scope="module")
def endless(make_product: Callable[..., CompiledArtifacts]) -> Path:
    folder = make_product("endless", ENDLESS).project_dir
    assert folder is not None
    return folder


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_ended_from_outside_leaves_no_process(
    endless: Path, number: signal.Signals
) -> None:
    command = [sys.executable, "-c", PROGRAM, str(endless)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "building\n"
        assert len(processes_of(endless)) >= 5
        os.kill(run.pid, number)
        run.wait(60)
    deadline = time.monotonic() + 30
    while processes_of(endless) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert processes_of(endless) == []
