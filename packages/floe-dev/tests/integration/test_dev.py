"""A session of a developer, on each orchestrator: run, break, fix, run, kill, stop.

The oracles are the orchestrator's own pages and API, the warehouse, and the processes of the machine.
"""

from __future__ import annotations

import sys
import time
import urllib.request
from pathlib import Path

import psutil
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from dev_session import (
    MODEL,
    Dev,
    alive,
    count_runs,
    dev_of,
    floe,
    left_of,
    product,
    run,
    value,
    write,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
RUN_URLS = {"dagster": "/runs/", "prefect": "/runs/flow-run/", "airflow": "/runs/manual__"}
IDLE_SECONDS = 15
MOST_OF_A_CORE = 0.4
# What ends with it, so that the orchestrator has ended: a part of a command line.
KILLED = {"dagster": "dagster_webserver", "prefect": "server start", "airflow": "local.host"}


@pytest.mark.parametrize("orchestrator", ["dagster", "prefect", "airflow"])
def test_a_session(orchestrator: str, tmp_path: Path) -> None:
    shop = product(tmp_path, orchestrator)
    with dev_of(shop) as dev:
        dev.await_line("pages, with the product")
        with urllib.request.urlopen(dev.pages) as response:
            assert response.status == 200
        runs(dev, orchestrator)
        rests(dev)
        breaks_and_mends(dev)
        second = floe("dev", shop)
        assert (second.returncode, f"up already at {dev.pages}" in second.stderr) == (3, True)
        dies_and_comes_back(dev, orchestrator)
        processes = dev.processes()
        assert dev.interrupt() == 130
        assert alive(processes) == []
    assert left_of(shop) == []
    stays(shop, orchestrator)


def runs(dev: Dev, orchestrator: str) -> None:
    """A run is in the pages that are up, and its result in the warehouse."""
    write(dev.folder, "select 41 as id")
    found = run(dev.folder)
    assert (found["status"], value(dev.folder)) == ("success", [(41,)])
    [page] = [line for line in found["look_further"] if dev.pages in line]
    assert RUN_URLS[orchestrator] in page


def rests(dev: Dev) -> None:
    """Nothing changes and nothing runs: it leaves the machine alone."""
    time.sleep(5)
    before = cpu_spent(dev)
    time.sleep(IDLE_SECONDS)
    assert cpu_spent(dev) - before < MOST_OF_A_CORE * IDLE_SECONDS


def cpu_spent(dev: Dev) -> float:
    times = [each.cpu_times() for each in dev.processes()]
    return sum(each.user + each.system for each in times)


def breaks_and_mends(dev: Dev) -> None:
    """An error is shown with its file, and the same error ends `floe run`, until it is fixed."""
    seen = len(dev.lines)
    write(dev.folder, "select {{ nope( }} as id")
    dev.await_line(f"{MODEL}: dbt: Compilation Error", seen)
    dev.await_line("the last good state goes on running", seen)
    failed = floe("run", dev.folder)
    assert (failed.returncode, MODEL in failed.stderr) == (1, True)
    write(dev.folder, "select 42 as id")
    dev.await_line("the errors are gone", seen)
    assert (run(dev.folder)["status"], value(dev.folder)) == ("success", [(42,)])


def dies_and_comes_back(dev: Dev, orchestrator: str) -> None:
    seen = len(dev.lines)
    for process in dev.processes():
        if KILLED[orchestrator] in " ".join(command_line(process)):
            process.kill()
    dev.await_line("again in", seen)
    dev.await_line("pages, with the product", seen)
    write(dev.folder, "select 43 as id")
    assert (run(dev.folder)["status"], value(dev.folder)) == ("success", [(43,)])


def command_line(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def stays(shop: Path, orchestrator: str) -> None:
    """The history is there for the next start, and without a `floe dev` a run works as ever."""
    write(shop, "select 44 as id")
    assert (run(shop)["status"], value(shop)) == ("success", [(44,)])
    with dev_of(shop) as dev:
        dev.await_line("pages, with the product")
        assert count_runs(dev, orchestrator) == 4
