"""Whether a job is late, according to the runs that its orchestrator lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from floe_core.alerts.lateness import GreenRuns, missed_deadline
from floe_core.plugin_api.run_history import RecordedRun
from floe_core.schemas.policies import Job


@dataclass(frozen=True, slots=True)
class LateJob:
    """A job that missed the last moment of its deadline."""

    job: str
    deadline: datetime


def late_job(job: Job, runs: Sequence[RecordedRun], now: datetime) -> LateJob | None:
    """Return the deadline that a job has missed and not made up for since; None for none.

    `runs` are those of the product, in any order. A deadline before the first of them is not
    judged: what was before is not known. Neither is the first one while there are none, nor any of
    a job that is paused.
    """
    own = [run for run in runs if run.job == job.name]
    ended = sorted(
        (run.ended_at, run.nominal_time) for run in own if run.state == "success" and run.ended_at
    )
    if job.deadline is None or job.is_paused or not own:
        return None
    green = GreenRuns()
    for end, nominal_time in ended:
        green = green.after(end, nominal_time, job.deadline)
    since = min(run.created_at for run in own)
    missed = missed_deadline(job.deadline, job.schedule, green, now, since)
    if missed is None or (green.last_end is not None and green.last_end > missed):
        return None
    return LateJob(job.name, missed)
