"""What a run's mirrors hear while Airflow has no answer for them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse

from floe_orchestrator_airflow.mirrors import progress_poller
from floe_orchestrator_airflow.mirrors.progress_poller import MAX_FAILURES, listening
from floe_orchestrator_airflow.names.task_ids import BUILD

# As its supervisor tells a trigger that the API, or the database behind it, is away.
AWAY = ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail={"message": "connection refused"})


@dataclass
class TaskInstance:
    """Stands for the SDK's, of a run that is queued: the first answers are refusals."""

    refusals: int
    dag_id: str = "shop"
    run_id: str = "manual"
    asked: list[dict[str, Any]] = field(default_factory=list)

    def get_task_states(self, **question: Any) -> dict[str, Any]:
        self.asked.append(question)
        if len(self.asked) <= self.refusals:
            raise AirflowRuntimeError(AWAY)
        return {self.run_id: {BUILD: "queued"}}


async def state_heard(ti: TaskInstance) -> str:
    async with listening(ti, "dbt_build") as poller:
        async for progress in poller.updates():
            if progress.build_state:
                return progress.build_state
    raise AssertionError("the updates ended")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_poller, "seconds_between_polls", lambda followed: 0)


def test_while_airflow_is_away_it_is_asked_again() -> None:
    ti = TaskInstance(refusals=MAX_FAILURES - 1)
    assert asyncio.run(state_heard(ti)) == "queued"
    question = {"dag_id": "shop", "task_ids": [BUILD], "run_ids": ["manual"]}
    assert ti.asked[:MAX_FAILURES] == [question] * MAX_FAILURES


def test_what_listens_hears_of_an_airflow_that_stays_away() -> None:
    ti = TaskInstance(refusals=MAX_FAILURES + 1)
    with pytest.raises(AirflowRuntimeError, match="connection refused"):
        asyncio.run(state_heard(ti))
    assert len(ti.asked) == MAX_FAILURES
