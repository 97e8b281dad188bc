"""Decides whether a flow run that Prefect started on a schedule is for a tick, and for which.

Prefect creates runs ahead of time, and starts all that were missed while nothing served the
deployment. floe's rule is the same on every orchestrator: of several missed ticks only the latest
runs, once, or with `catchup` each of them, in order; a schedule that was paused, removed or
replaced since starts nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.logging.loggers import get_logger

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.schedules import is_tick, next_tick
from floe_core.schedules.claims import SECONDS_BETWEEN_ATTEMPTS, OwnedTicks, wait_to_claim
from floe_core.schedules.live_schedules import with_live_schedules
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job, Schedule
from floe_orchestrator_prefect.ticks.started_by import current_run, tick_of
from floe_orchestrator_prefect.ticks.tick_order import let_earlier_ticks_run

log = get_logger("floe.ticks")
# In seconds, for a store of schedules that is away.
PATIENCE = 3600.0
# The tick of a flow run, and the reason not to run, "" if it should run.
Due = tuple[datetime | None, str]


def due_tick(artifacts: CompiledArtifacts, job: Job) -> Due:
    """Return the tick of the current flow run, and the reason not to run, "" if it should run.

    The tick is None for a run started by hand.

    Raises:
        Abort: See `let_earlier_ticks_run`.
    """
    run = current_run()
    if run is None or run.deployment_id is None:
        return None, ""
    return ask_patiently(job, lambda: _due_tick_of(artifacts, job, run))


def ask_patiently(job: Job, ask: Callable[[], Due]) -> Due:
    """Return the answer of a function that reads the store of schedules.

    A store that is away is asked again until it answers: another orchestrator may own the job.

    Raises:
        EnvironmentProblemError: It does not answer within `PATIENCE`.
    """
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return ask()
        except EnvironmentProblemError as error:
            if time.monotonic() > end:
                raise
            log.warning("%s waits until it is known who runs it: %s", job.name, error)
            time.sleep(SECONDS_BETWEEN_ATTEMPTS)


def _due_tick_of(artifacts: CompiledArtifacts, job: Job, run: FlowRun) -> Due:
    live = with_live_schedules(artifacts).job(job.name)
    if live.owner is not None:
        return due_owned_tick(OwnedTicks(artifacts, live, live.owner), run)
    schedule = live.schedule
    if schedule is not None and schedule.catchup:
        let_earlier_ticks_run(run, schedule)
    if not run.auto_scheduled or run.expected_start_time is None:
        return None, ""
    tick = run.expected_start_time.astimezone(UTC)
    return tick, reason_against(schedule, tick, datetime.now(UTC))


def due_owned_tick(owned: OwnedTicks, run: FlowRun) -> Due:
    """Return what `due_tick` does, for a job that several orchestrators have; claim the tick.

    The ticks that passed while the job moved here run first, in order.

    Raises:
        Abort: See `let_earlier_ticks_run`.
    """
    tick = tick_of(run)
    if tick is None:
        return None, ""
    if why_not := owned.why_not(tick):
        return tick, why_not
    now, schedule = datetime.now(UTC), owned.job.schedule
    late = owned.late(now)
    if schedule is not None:
        let_earlier_ticks_run(run, schedule, late)
    if tick not in late and (why_not := reason_against(schedule, tick, now)):
        return tick, why_not
    return tick, wait_to_claim(owned.artifacts, owned.job.name, tick, str(run.id), log.warning)


def tick_of_team(artifacts: CompiledArtifacts, job: Job) -> Due:
    """Return the tick of this run or of the one that called it, by a schedule that is not floe's.

    See `due_tick`; there is never a reason not to run.
    """
    run = current_run()
    with get_client(sync_client=True) as client:
        while run is not None and run.parent_task_run_id is not None:
            above = client.read_task_run(run.parent_task_run_id).flow_run_id
            run = client.read_flow_run(above) if above else None
    if run is None or not run.auto_scheduled or run.expected_start_time is None:
        return None, ""
    return run.expected_start_time.astimezone(UTC), ""


def reason_against(schedule: Schedule | None, tick: datetime, now: datetime) -> str:
    """Return why a schedule starts nothing at a moment given by Prefect, "" if it does start."""
    if schedule is None:
        return "the schedule was removed with floe"
    rule = f"{schedule.cron} in {schedule.timezone}"
    if not schedule.enabled:
        return f"{rule} is paused with floe"
    if not is_tick(schedule.cron, schedule.timezone, tick):
        return f"{tick.isoformat()} is not a tick of {rule}"
    if schedule.since is not None and tick < schedule.since:
        return f"{tick.isoformat()} is before {rule} was set"
    if schedule.catchup:
        return ""
    later = next_tick(schedule.cron, schedule.timezone, tick)
    return f"missed: the next tick, {later.isoformat()}, is due as well" if later <= now else ""
