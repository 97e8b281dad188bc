"""Runs that a running orchestrator starts: their ends are reported by its own means, each once.

That is Dagster's sensor, Airflow's callbacks of a DAG, and Prefect's hooks of a flow, also where the
process of the build died.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import psutil
import pytest
from alert_receiver import alert_receiver
from alerting_orchestrators import (
    Orchestrator,
    running_airflow,
    running_dagster,
    served_prefect,
)
from everywhere import holders_of, wait_for_middle
from faulty_product import ENDLESS, FaultyProduct, warehouse
from wait_for import wait_for

pytestmark = pytest.mark.slow

FAILED, AGAIN = "run failed", "run succeeded again"
OVER = {"SUCCESS", "FAILURE", "CANCELED", "success", "failed"} | {
    "COMPLETED",
    "FAILED",
    "CRASHED",
    "CANCELLED",
}
Running = Callable[..., AbstractContextManager[Orchestrator]]
# Broken as long as the file is not there.
BROKEN = "select id from read_csv('{}')"


def ended(orchestrator: Orchestrator, name: str) -> str:
    """Start a run, wait for its end, and return its id."""
    run_id = orchestrator.start(name)
    wait_for(lambda: orchestrator.state(name, run_id) in OVER, 180)
    return run_id


def kill_build(orchestrator: Orchestrator, name: str) -> None:
    """Kill the process that has the warehouse open, once it is at work in it."""
    file = warehouse(orchestrator.product(name))
    wait_for(lambda: bool(holders_of(file)), 60)
    for process in holders_of(file):
        kill_with_workers_above(process)


def kill_with_workers_above(process: psutil.Process) -> None:
    """Kill a process of Dagster's with the run worker that started it; any other alone."""
    above = [p for p in process.parents() if "execute_run" in " ".join(p.cmdline())]
    for each in [*above, process]:
        each.kill()


@pytest.mark.parametrize("running", [running_dagster, running_airflow, served_prefect])
def test_a_running_orchestrator_reports_each_end_once(running: Running, tmp_path: Path) -> None:
    numbers = tmp_path / "numbers.csv"
    products = {
        "broken": FaultyProduct(BROKEN.format(numbers)),
        "endless": FaultyProduct(ENDLESS),
    }
    with (
        alert_receiver() as receiver,
        running(products, tmp_path / "all", receiver) as orchestrator,
    ):

        def told(name: str, count: int) -> list[str]:
            wait_for(lambda: len(receiver.about(name)) >= count, 30)
            return receiver.about(name)

        run_id = ended(orchestrator, "broken")
        assert told("broken", 1) == [FAILED]
        message = receiver.posted[0]["message"]
        assert orchestrator.page("broken", run_id) in message
        assert "model.shop.middle: IO Error: No files found" in message

        numbers.write_text("id\n1\n")
        ended(orchestrator, "broken")
        assert told("broken", 2) == [FAILED, AGAIN]

        # Away, and back.
        numbers.unlink()
        receiver.close()
        ended(orchestrator, "broken")
        time.sleep(5)
        receiver.open()
        numbers.write_text("id\n1\n")
        ended(orchestrator, "broken")
        assert told("broken", 4) == [FAILED, AGAIN] * 2

        killed = orchestrator.start("endless")
        wait_for_middle(orchestrator.product("endless"))
        kill_build(orchestrator, "endless")
        wait_for(lambda: orchestrator.state("endless", killed) in OVER, 180)
        assert told("endless", 1) == [FAILED]

        canceled = orchestrator.start("endless")
        file = warehouse(orchestrator.product("endless"))
        wait_for(lambda: bool(holders_of(file)), 60)
        time.sleep(3)
        orchestrator.cancel("endless", canceled)
        wait_for(lambda: orchestrator.state("endless", canceled) in OVER, 180)
        assert told("endless", 2) == [FAILED, FAILED]

        time.sleep(15)
        assert receiver.about("broken") == [FAILED, AGAIN] * 2
        assert receiver.about("endless") == [FAILED, FAILED]
