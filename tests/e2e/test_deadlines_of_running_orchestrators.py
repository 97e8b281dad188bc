"""A deadline on a running orchestrator: told once where no run began, not where one was in time."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alert_receiver import alert_receiver
from alerting_orchestrators import (
    Orchestrator,
    running_airflow,
    running_dagster,
    served_prefect,
)
from faulty_product import AFTER, FaultyProduct
from wait_for import wait_for

Running = Callable[..., AbstractContextManager[Orchestrator]]
SUCCEEDED = {"SUCCESS", "success", "COMPLETED"}
# The orchestrator starts and runs a product before the deadline.
AHEAD = timedelta(minutes=4)
# A minute for the ends of runs to be reported, and what the orchestrator itself takes.
TOLD_WITHIN = 150.0


@pytest.mark.slow
@pytest.mark.parametrize("running", [running_dagster, running_airflow, served_prefect])
def test_a_missed_deadline_is_told_once_and_one_that_was_met_is_not(
    running: Running, tmp_path: Path
) -> None:
    deadline = datetime.now(UTC).replace(second=0, microsecond=0) + AHEAD
    product = FaultyProduct(AFTER.format("first"), deadline=f"{deadline:%H:%M} UTC")
    with (
        alert_receiver() as receiver,
        running({"idle": product, "green": product}, tmp_path / "all", receiver) as orchestrator,
    ):
        run_id = orchestrator.start("green")
        wait_for(lambda: orchestrator.state("green", run_id) in SUCCEEDED, 180)
        assert datetime.now(UTC) < deadline, "the machine is too slow for this deadline"
        time.sleep(max(0.0, (deadline - datetime.now(UTC)).total_seconds()))
        assert receiver.titles == []
        wait_for(lambda: bool(receiver.titles), TOLD_WITHIN)
        time.sleep(30)
        assert receiver.titles == ["idle: deadline missed"]
        assert receiver.posted[0]["message"].splitlines() == [
            "No run of the whole job has succeeded in time.",
            "No run is under way.",
            "",
            "product: idle",
            "job: idle",
            "owner: data@example.com",
            f"deadline: {deadline:%Y-%m-%d %H:%M} UTC",
            "last successful run ended: none is known",
        ]
