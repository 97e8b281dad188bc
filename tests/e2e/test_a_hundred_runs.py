"""A hundred runs in a row leave no process, open file, temporary folder or memory behind."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from floe_core.compiler import compile_product
from floe_core.plugin_api.powers import RunOptions, RunReport
from floe_orchestrator_airflow.local.launch import run_in
from floe_orchestrator_airflow.local.service import LocalAirflow
from floe_orchestrator_dagster import DagsterPlugin

EXAMPLES = Path(__file__).parents[2] / "examples"
WARM_UP, RUNS = 20, 100
# What a process may hold more after eighty runs: caches that fill, not something of each run.
MORE_FILES, MORE_MEGABYTES = 8, 40.0
SHORT_LIFE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Holdings:
    """What long-lived processes hold: files by process, megabytes in all, and what is in /tmp."""

    processes: frozenset[int]
    files: int
    megabytes: float
    temporary: frozenset[str]


def holdings(processes: Iterable[psutil.Process]) -> Holdings:
    found = list(processes)
    return Holdings(
        processes=frozenset(process.pid for process in found),
        files=sum(process.num_fds() for process in found),
        megabytes=sum(process.memory_info().rss for process in found) / 2**20,
        temporary=frozenset(os.listdir(tempfile.gettempdir())),
    )


def hold_still(run: Callable[[], RunReport], look: Callable[[], Holdings]) -> None:
    """Run a hundred times, and hold what is there after twenty against what is there at the end."""
    for _ in range(WARM_UP):
        assert run().status == "success"
    before = look()
    for _ in range(RUNS - WARM_UP):
        assert run().status == "success"
    after = look()
    assert after.processes == before.processes
    assert after.files - before.files <= MORE_FILES
    assert after.megabytes - before.megabytes <= MORE_MEGABYTES
    assert {name for name in after.temporary - before.temporary if "floe" in name} == set()


def long_lived(processes: Iterable[psutil.Process]) -> Iterator[psutil.Process]:
    """Leave out what Airflow starts for a task or for one parse of a file, and ends with it."""
    born_before = time.time() - SHORT_LIFE_SECONDS
    for process in processes:
        if process.create_time() < born_before:
            yield process


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=shutil.ignore_patterns(".floe"))
    return tmp_path / "examples" / "hello"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_hundred_runs_on_dagster_leave_nothing_behind(hello: Path) -> None:
    product = compile_product(hello, orchestrator="dagster")
    options, ours = RunOptions(product.product.name), psutil.Process()
    hold_still(
        lambda: DagsterPlugin().launch_run(product, options, lambda event: None),
        lambda: holdings([ours, *ours.children(recursive=True)]),
    )


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_hundred_runs_on_one_airflow_leave_nothing_behind(hello: Path) -> None:
    product = compile_product(hello, orchestrator="airflow")
    options, ours = RunOptions(product.product.name), psutil.Process()
    with LocalAirflow.of_product(product) as airflow:
        hold_still(
            lambda: run_in(airflow, product, options, lambda event: None),
            lambda: holdings(long_lived([ours, *ours.children(recursive=True)])),
        )
