"""Keeps the runs of a deployment in the order of their ticks, with none left out.

Prefect gives a free slot to whichever run asks first, and creates no runs for the time in which its
server is down.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import Abort
from prefect.states import AwaitingConcurrencySlot, Scheduled

from floe_core.schedules import ticks_between
from floe_core.schemas.policies import Schedule
from floe_orchestrator_prefect.service.server_problems import SERVER_PROBLEMS

# As long as Prefect's own server lets a run wait for a slot.
_WAIT = timedelta(seconds=30)
# A run waits for its turn until the end of the one before it wakes it; that one may be killed.
_TURN = timedelta(minutes=5)
# Without the states of a run that has ended.
_OPEN = [StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING]
_WAITS = "AwaitingConcurrencySlot"

KEY_OF_TICK = "floe-tick-"


def let_earlier_ticks_run(run: FlowRun, schedule: Schedule, late: Sequence[datetime] = ()) -> None:
    """Give the slot of the current run back if a tick before its own has not run yet.

    That is one that has a run, one that Prefect left out if the schedule catches up, or a `late`
    one. If it is the turn of this run, those that wait sleep until its end: see `start_next`.

    Raises:
        Abort: It was given back; Prefect starts the run again.
    """
    tick = run.expected_start_time
    if run.deployment_id is None or tick is None:
        return
    with get_client(sync_client=True) as client:
        if schedule.catchup:
            _create_missing(client, run.deployment_id, tick.astimezone(UTC), schedule)
        create_runs(client, run.deployment_id, [each for each in late if each < tick])
        if not (schedule.catchup or late):
            return
        now = datetime.now(UTC)
        waiting = _runs_before(client, run.deployment_id, now, [StateType.SCHEDULED])
        earlier = [each for each in waiting if _planned(each) < tick]
        if not earlier:
            for each in waiting:
                if each.state_name == _WAITS and _sleeps(each, now) < _WAIT:
                    _sleep(client, each, now + _TURN, f"the run {run.name} goes first")
            return
        first = earlier[-1]
        why = f"the run {first.name} is for an earlier tick"
        _sleep(client, run, now + _TURN, why)
        _sleep(client, first, now)
    raise Abort(why)


def start_next(run: FlowRun) -> None:
    """Wake the run of the next tick, which sleeps until a run like this one has ended."""
    if run.deployment_id is None:
        return
    now = datetime.now(UTC)
    # A run that nothing wakes begins by itself.
    with suppress(*SERVER_PROBLEMS), get_client(sync_client=True) as client:
        waiting = _runs_before(client, run.deployment_id, now, [StateType.SCHEDULED])
        if waiting and _sleeps(waiting[-1], now) > _WAIT:
            _sleep(client, waiting[-1], now)


def _sleeps(run: FlowRun, now: datetime) -> timedelta:
    """Return for how long a run waits before it asks for a slot."""
    return (run.next_scheduled_start_time or now) - now


def _sleep(client: SyncPrefectClient, run: FlowRun, until: datetime, why: str = "") -> None:
    """Let a run ask for a slot at a time."""
    state: State[Any] = AwaitingConcurrencySlot(scheduled_time=until, message=why or None)
    client.set_flow_run_state(run.id, state, force=True)


def _create_missing(
    client: SyncPrefectClient, deployment: UUID, tick: datetime, schedule: Schedule
) -> None:
    """Create the runs of ticks between the last one that has a run and this one."""
    for_ticks = (each for each in _runs_before(client, deployment, tick) if _is_for_tick(each))
    last = next(for_ticks, None)
    if last is None or last.expected_start_time is None:
        return
    begin = last.expected_start_time.astimezone(UTC)
    since = max(begin, schedule.since) if schedule.since else begin
    ticks = ticks_between(schedule.cron, schedule.timezone, begin, tick)
    create_runs(client, deployment, [missed for missed in ticks if missed > since])


def create_runs(client: SyncPrefectClient, deployment: UUID, ticks: Sequence[datetime]) -> None:
    """Create a run for each of these ticks, unless it has one that has not ended.

    It has only one that was created by this.
    """
    if not ticks:
        return
    open_runs = _runs_before(client, deployment, max(ticks) + timedelta(seconds=1), _OPEN)
    have_one = {_planned(each) for each in open_runs}
    for tick in (each for each in ticks if each not in have_one):
        client.create_flow_run_from_deployment(
            deployment,
            parameters={"nominal_time": tick.isoformat()},
            state=Scheduled(scheduled_time=tick),
            idempotency_key=f"{KEY_OF_TICK}{tick.isoformat()}",
        )


def _planned(run: FlowRun) -> datetime:
    assert run.expected_start_time
    return run.expected_start_time.astimezone(UTC)


def _is_for_tick(run: FlowRun) -> bool:
    return run.auto_scheduled or bool(run.parameters.get("nominal_time"))


def _runs_before(
    client: SyncPrefectClient,
    deployment: UUID,
    moment: datetime,
    states: list[StateType] | None = None,
) -> list[FlowRun]:
    """Return the last runs that were to start before a moment, the latest first."""
    found = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            deployment_id=FlowRunFilterDeploymentId(any_=[deployment]),
            expected_start_time=FlowRunFilterExpectedStartTime.model_validate({"before_": moment}),
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=states)) if states else None,
        ),
        sort=FlowRunSort.EXPECTED_START_TIME_DESC,
    )
    return [run for run in found if run.expected_start_time and run.expected_start_time < moment]
