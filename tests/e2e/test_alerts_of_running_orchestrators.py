"""Runs that a running orchestrator starts: their ends are reported by its own means, each once.

That is Dagster's sensor, Airflow's callbacks of a DAG, and Prefect's hooks of a flow, also where the
process of the build died.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import chain
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
from everywhere import holders_of, wait_for_middle, waiting_lineage
from faulty_product import ENDLESS, FaultyProduct, warehouse
from small_disk import fill, small_disk
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
# Waits for whoever writes to the pipe.
PIPED = "select id from read_csv('{}', header=true, auto_detect=false, columns={{'id': 'integer'}})"


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


def are_ended(lineage: dict[str, list[str]]) -> bool:
    """Whether each run has a start and one end, which may have come twice."""
    ends = [{*types[1:]} for types in lineage.values()]
    started = all(types[0] == "START" for types in lineage.values())
    return started and bool(ends) and all(len(e) == 1 and "START" not in e for e in ends)


on_each = pytest.mark.parametrize("running", [running_dagster, running_airflow, served_prefect])


@on_each
def test_a_running_orchestrator_reports_each_end_once(
    running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody listens there, so all lineage events wait.
    monkeypatch.setenv("OPENLINEAGE_URL", "http://127.0.0.1:1")
    numbers = tmp_path / "numbers.csv"
    products = {
        "broken": FaultyProduct(BROKEN.format(numbers)),
        "endless": FaultyProduct(ENDLESS, has_lineage=True),
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
        folder = orchestrator.product("endless").folder
        # Of a build that was killed, the one that reports it ends the lineage.
        wait_for(lambda: are_ended(waiting_lineage(folder)), 60)
        assert "ABORT" in chain(*waiting_lineage(folder).values())

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
        assert are_ended(waiting_lineage(folder))


@on_each
def test_a_disk_that_fills_up_during_a_run_is_told_of_once(
    running: Running, tmp_path: Path
) -> None:
    """It is the disk of the product and its state, not that of the orchestrator."""
    pipe, folder = tmp_path / "numbers.csv", tmp_path / "all"
    os.mkfifo(pipe)
    folder.mkdir()
    with (
        alert_receiver() as receiver,
        small_disk(folder / "full") as disk,
        running({"full": FaultyProduct(PIPED.format(pipe))}, folder, receiver) as orchestrator,
    ):
        run_id = orchestrator.start("full")
        wait_for_middle(orchestrator.product("full"))
        ballast = fill(disk)
        pipe.write_text("id\n1\n")
        wait_for(lambda: orchestrator.state("full", run_id) in OVER, 180)
        assert orchestrator.state("full", run_id).upper() not in ("SUCCESS", "COMPLETED")
        wait_for(lambda: len(receiver.about("full")) >= 1, 30)
        ballast.unlink()
        threading.Thread(target=pipe.write_text, args=["id\n1\n"], daemon=True).start()
        ended(orchestrator, "full")
        wait_for(lambda: len(receiver.about("full")) >= 2, 30)
        time.sleep(10)
        assert receiver.about("full") == [FAILED, AGAIN]
