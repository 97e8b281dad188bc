"""What a run's mirrors hear while Airflow has no answer for them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse

from floe_orchestrator_airflow.mirrors import mirror_triggers, progress_poller
from floe_orchestrator_airflow.mirrors.mirror_triggers import MirrorTrigger, OutcomeTrigger
from floe_orchestrator_airflow.mirrors.progress_poller import MAX_FAILURES, listening
from floe_orchestrator_airflow.names.airflow_names import BUILD

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


@dataclass
class BuildStates(TaskInstance):
    """Stands for one whose build has these states, one at each poll; then the last one."""

    refusals: int = 0
    states: tuple[str | None, ...] = ()

    def get_task_states(self, **question: Any) -> dict[str, Any]:
        self.asked.append(question)
        return {self.run_id: {BUILD: self.states[min(len(self.asked), len(self.states)) - 1]}}

    async def axcom_pull(self, **question: Any) -> None:
        """Return nothing: the build has no results yet."""


async def waits(ti: BuildStates) -> list[bool]:
    """Return after each poll whether the build has been waiting."""
    found = []
    async with listening(ti, BUILD) as poller:
        async for _ in poller.updates():
            found.append(poller.seconds_of_wait() > 0)
            if len(found) == len(ti.states):
                return found
    raise AssertionError("the updates ended")


def test_a_build_waits_until_it_starts_and_between_its_tries() -> None:
    states = (None, "scheduled", "queued", "running", "up_for_retry", "scheduled", "success")
    expected = [True, True, True, False, False, True, False]
    assert asyncio.run(waits(BuildStates(states=states))) == expected


@pytest.mark.parametrize("trigger", [MirrorTrigger(["model.a"]), OutcomeTrigger({})])
def test_a_task_that_shows_a_build_says_once_that_it_does_not_start(
    trigger: MirrorTrigger | OutcomeTrigger,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def run() -> None:
        async for _ in trigger.run():
            return

    monkeypatch.setattr(mirror_triggers, "WAIT_TO_TELL_SECONDS", 0.0)
    monkeypatch.setattr(mirror_triggers, "LOG_SECONDS", 0.0)
    ti = BuildStates(states=("scheduled", "scheduled", "queued", "failed"))
    monkeypatch.setattr(mirror_triggers, "task_instance_of", lambda _: ti)
    monkeypatch.setattr(type(trigger), "_is_rerun", never)
    asyncio.run(run())
    told = [each.getMessage() for each in caplog.records if "has not started" in each.getMessage()]
    assert told == [
        "dbt_build has not started for 0 s; its state is 'scheduled'. If it is scheduled, it waits "
        "for a slot, and forever if Airflow does not have the task's pool: `floe doctor` checks "
        "that"
    ]


async def never(_: object) -> bool:
    return False
