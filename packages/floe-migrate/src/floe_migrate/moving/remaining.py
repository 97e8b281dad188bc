"""What the source of a move still has to run: its last tick, and the runs in progress."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from floe_core.plugin_api.run_history import RecordedRun
from floe_core.schedules import latest_tick, next_tick, ticks_between
from floe_core.schedules.ownership import LONGEST_LATE
from floe_core.schemas.policies import Job, Owner
from floe_migrate.moving.move import recorded_since

INSTANT = timedelta(microseconds=1)
# An orchestrator that is up starts a tick well within this time.
GRACE = timedelta(minutes=10)


def last_tick(job: Job, owner: Owner) -> datetime | None:
    """Return the last tick that an owner runs before it hands over, None if there is none.

    Ticks start in order, so that all earlier ones were started, or passed over, once this one was.
    A schedule has no ticks while it is paused, and none before it was set.
    """
    assert owner.until is not None
    schedule = job.schedule
    if schedule is None or not schedule.enabled:
        return None
    tick = latest_tick(schedule.cron, schedule.timezone, owner.until - INSTANT)
    return None if tick < max(owner.first_tick, schedule.since or tick) else tick


def awaited_tick(
    job: Job,
    owner: Owner,
    claimed: Collection[datetime],
    runs: Sequence[RecordedRun],
    now: datetime,
) -> str:
    """Return why the owner's last tick is not behind it, "" if it is.

    `claimed` are ticks that were claimed before `runs`, those of the job, were read.
    """
    tick = last_tick(job, owner)
    if tick is None or tick in claimed:
        return ""
    if tick > now:
        return f"its tick of {tick.isoformat()} is still to come"
    since, moment = recorded_since(owner), tick.isoformat()
    found = next((run for run in runs if run.nominal_time == tick), None)
    if since is not None and tick < since and (found or now - tick > GRACE):
        return ""
    if found is None:
        return f"it has not started its tick of {moment}"
    if found.is_over:
        return f"run {found.run_id} of {moment} is over and claimed no tick: start it again there"
    return f"run {found.run_id} of {moment} has not claimed its tick yet"


def has_run_unclaimed(
    job: Job, owner: Owner, claimed: Collection[datetime], runs: Sequence[RecordedRun]
) -> bool:
    """Return whether the last tick of a job's first owner has run, and without a claim.

    An orchestrator that has not read the record yet starts such a run, and one that never will.
    """
    tick = last_tick(job, owner)
    ended = {run.nominal_time for run in runs if run.is_over}
    return owner.epoch == 1 and tick is not None and tick in ended and tick not in claimed


def run_in_progress(runs: Sequence[RecordedRun], backfills: Sequence[str] = ()) -> str:
    """Return which run is queued or running, "" if none is. A run that waits to retry is.

    `backfills` are those that are not over: each may still create runs.
    """
    if found := next((run for run in runs if not run.is_over), None):
        return f"run {found.run_id} is {found.state}"
    return f"{backfills[0]} is in progress" if backfills else ""


def first_unclaimed(
    job: Job, owner: Owner, claimed: Collection[datetime], now: datetime
) -> datetime:
    """Return the first tick of the next owner if the source will not start its last ones.

    That is the first tick after the last one claimed; without `catchup`, the last of these.
    """
    assert owner.until is not None
    end = min(owner.until, now)
    if job.schedule is None or not job.schedule.enabled:
        return end
    lower = (owner.first_tick, recorded_since(owner) or owner.first_tick, now - LONGEST_LATE)
    start = max(*lower, *(tick + INSTANT for tick in claimed))
    ticks = ticks_between(job.schedule.cron, job.schedule.timezone, start, max(start, end))
    if not ticks:
        return end
    return ticks[0] if job.schedule.catchup else ticks[-1]


def first_tick_after(job: Job, moment: datetime) -> datetime:
    """Return the first tick at or after a moment; the moment itself if the job has no schedule."""
    schedule = job.schedule
    if schedule is None:
        return moment
    return next_tick(schedule.cron, schedule.timezone, moment - INSTANT)
