"""Check whether jobs have missed their deadlines, and send one alert for each missed one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from filelock import Timeout

from floe_core.alerts.alert_store import SpoolAlert, active_targets
from floe_core.alerts.chosen_store import store_of
from floe_core.alerts.job_memory import DeadlineMemory, JobMemory
from floe_core.alerts.lateness import (
    GreenRuns,
    jobs_with_deadlines,
    lateness_alert,
    lateness_id,
    missed_deadline,
)
from floe_core.alerts.notes import Notes
from floe_core.alerts.report import is_switched_off, send_waiting
from floe_core.foundation.errors import FloeError
from floe_core.runs.product_redactor import redactor_of
from floe_core.schedules.live_schedules import live_job
from floe_core.schedules.ownership import other_owner
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Deadline, Job

# A run that ended in time may be reported a little after its end.
GRACE = timedelta(seconds=60)
SECONDS_BETWEEN_LOOKS = 10.0

# Job name -> whether a run of the job is under way, None for unknown.
IsRunning = Callable[[str], bool | None]

_log = logging.getLogger("floe.alerts")


@dataclass(frozen=True, slots=True)
class DeadlineState:
    """A job's deadline at a check: its last moment if it was missed, None if it was not.

    `is_new` is whether this check wrote the alert. `last_end` is when the job's last green run
    ended.
    """

    job: Job
    missed: datetime | None
    is_new: bool
    last_end: datetime | None


def report_lateness(
    artifacts: CompiledArtifacts,
    is_running: IsRunning = lambda job: None,
    *,
    only: str = "",
    known_since: datetime | None = None,
) -> list[DeadlineState]:
    """Write an alert for each deadline missed since the last check, and send waiting alerts.

    A deadline is watched from the first check on. `known_since` is for a caller that knows that the
    deadline existed earlier but first checks it after it has passed; `only` is the one job to
    check, "" for all. Does nothing if `FLOE_ALERTS_DISABLED` is true. Like `report_run`, it never
    raises for its own problems: they are logged as warnings.
    """
    jobs = jobs_with_deadlines(artifacts)
    if not jobs or artifacts.project_dir is None or is_switched_off():
        return []
    try:
        found = [
            _look(artifacts, job, job.deadline, is_running, known_since)
            for job in jobs
            if job.deadline and only in ("", job.name)
        ]
        if any(state.is_new for state in found):
            send_waiting(artifacts)
    except (OSError, FloeError, Timeout) as error:
        reason = redactor_of(artifacts).text(f"{type(error).__name__}: {error}")
        _log.warning("%s: deadlines cannot be checked: %s", artifacts.product.name, reason)
        return []
    return found


def green_runs(artifacts: CompiledArtifacts, job: str) -> GreenRuns:
    """Return what is known about the runs that built a whole job and succeeded."""
    return store_of(artifacts).change(lambda notes, spool: DeadlineMemory(notes).green_runs(job))


def watch_deadlines_since(artifacts: CompiledArtifacts, moment: datetime) -> None:
    """Watch the deadlines of a product as if they had first been checked at that moment."""

    def act(notes: Notes, spool: SpoolAlert) -> None:
        for job in jobs_with_deadlines(artifacts):
            if job.deadline:
                DeadlineMemory(notes).watch_since(job.name, job.deadline, moment)

    store_of(artifacts).change(act)


def _look(
    artifacts: CompiledArtifacts,
    job: Job,
    deadline: Deadline,
    is_running: IsRunning,
    known_since: datetime | None,
) -> DeadlineState:
    now = datetime.now(UTC)
    # Read before the store is locked, so that no other reporter has to wait for it.
    live = live_job(artifacts, job)

    def act(notes: Notes, spool: SpoolAlert) -> DeadlineState:
        watched = DeadlineMemory(notes).watch(job.name, deadline, now)
        since = min(watched.since, known_since or watched.since)
        missed = None
        if not _is_off(live, artifacts.orchestrator.name):
            missed = missed_deadline(deadline, live.schedule, watched.runs, now - GRACE, since)
        state = DeadlineState(job, missed, is_new=False, last_end=watched.runs.last_end)
        if missed is None:
            return state
        is_new = _alert_once(artifacts, state, missed, is_running, notes, spool)
        return replace(state, is_new=is_new)

    return store_of(artifacts).change(act)


def _is_off(job: Job, here: str) -> bool:
    """Return whether only a switched-off trigger, or another orchestrator, could start the job."""
    if other_owner(job.owner, here):
        return True
    return job.schedule is None and job.trigger is not None and not job.trigger.enabled


def _alert_once(
    artifacts: CompiledArtifacts,
    state: DeadlineState,
    missed: datetime,
    is_running: IsRunning,
    notes: Notes,
    spool: SpoolAlert,
) -> bool:
    """Write the alert for a missed deadline, unless it exists; return whether it was new."""
    job = state.job
    memory = JobMemory(notes)
    alert_id = lateness_id(artifacts, job.name, missed)
    if memory.was_reported(alert_id):
        return False
    alert = lateness_alert(
        artifacts,
        job,
        missed,
        last_end=state.last_end,
        is_running=is_running(job.name),
        redactor=redactor_of(artifacts),
    )
    for target in active_targets(artifacts):
        if target.wants("lateness", job.name):
            spool(target, alert)
    memory.note_reported(alert_id)
    return True
