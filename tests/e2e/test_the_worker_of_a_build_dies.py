"""The process that started a build's own process is killed: no build is left alone to write on.

Not the build's process itself, as in test_faults.py, but its parent, that alone hears it: Dagster's
run worker with its multiprocess executor, and the supervisor of Airflow's task.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from everywhere import PRODUCT, compiled_everywhere, processes_at
from faulty_product import (
    ENDLESS,
    RESUMED_IN_MIDDLE,
    STOPPED_IN_MIDDLE,
    FaultyProduct,
    at_first_try,
    ran,
)
from further_faults import SOON, builder_of, kill_supervisor_of

from floe_core.plugin_api.powers import RunOptions
from floe_core.runs.build_events import BuildEvent, NodeStarted
from floe_orchestrator_airflow.local.launch import run_in
from floe_orchestrator_airflow.local.service import LocalAirflow

pytestmark = pytest.mark.slow


def test_a_step_of_dagster_ends_with_the_process_of_its_run(tmp_path: Path) -> None:
    product = FaultyProduct(ENDLESS).compiled(tmp_path / "shop", "orphaned", "dagster", "")
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    command = [Path(sys.executable).parent / "dagster", "job", "execute", "-j", "orphaned"]
    with subprocess.Popen(
        [*command, "-f", product.folder / "definitions.py"],
        env={**os.environ, "DAGSTER_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as run:
        builder = builder_of(product)
        assert builder.ppid() == run.pid
        run.kill()
    assert processes_at(product.folder) == []
    assert ran(product) == STOPPED_IN_MIDDLE


def test_a_task_of_airflow_ends_with_its_supervisor_and_is_tried_again(tmp_path: Path) -> None:
    hangs_at_first = FaultyProduct(at_first_try(ENDLESS), "retries: 1, retryDelaySeconds: 1")
    products = compiled_everywhere(hangs_at_first, tmp_path, "orphaned")
    product = products[PRODUCT]
    left_by_the_dead: list[str] = []

    def kill(event: BuildEvent) -> None:
        if isinstance(event, NodeStarted) and ".middle" in event.unique_id and not left_by_the_dead:
            left_by_the_dead.append(kill_supervisor_of(product))

    with LocalAirflow(tmp_path / "airflow", variables=SOON) as airflow:
        report = run_in(airflow, product, RunOptions(product.product.name), kill)
        assert left_by_the_dead == ["False"]
        assert (report.status, processes_at(product.folder)) == ("success", [])
    assert ran(product) == sorted(RESUMED_IN_MIDDLE)
