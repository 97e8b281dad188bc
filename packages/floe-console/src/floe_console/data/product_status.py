"""The status of a product in one word, the worst that is known, and never good on a guess."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from floe_console.data.run_book import ListedRun
from floe_console.mesh import ProductState
from floe_core.alerts.lateness import GreenRuns, missed_deadline
from floe_core.plugin_api.run_history import RecordedRun
from floe_core.schemas.policies import Job

Status = Literal["unpublished", "failed", "late", "unknown", "running", "new", "ok"]


def status_of(
    product: ProductState,
    runs: Sequence[ListedRun],
    late: Sequence[LateJob],
    unknown: str,
    *,
    reason: str = "",
    not_begun: str = "",
) -> tuple[Status, str]:
    """Return a product's status, and a sentence about it. `runs` are its own, newest first.

    `reason` is the first line of why its last failed run failed, if that is known.

    `unknown` says why its runs cannot be read now, "" if they were. Then nothing is good: what was
    read before may have changed. `not_begun` says which jobs have moved and not run since.
    """
    if product.problem:
        return "unpublished", product.problem
    failed = last_failures(runs)
    if unknown:
        before = f"; when last read, {', '.join(failed)} had failed" if failed else ""
        return "unknown", unknown + before
    if failed:
        return "failed", f"the last run of {', '.join(failed)} failed{reason and ': '}{reason}"
    if late:
        return "late", f"{', '.join(each.job for each in late)} missed its deadline"
    if any(not each.run.is_over for each in runs):
        return "running", "a run is under way"
    if not runs:
        return "new", "it has not run yet"
    if not_begun:
        return "new", not_begun
    return "ok", "the last run of each job succeeded"


def last_failures(runs: Sequence[ListedRun]) -> list[str]:
    """Return the jobs whose last run that ended, newest first, did not succeed."""
    found: dict[str, bool] = {}
    for each in runs:
        if each.run.is_over:
            found.setdefault(each.run.job, each.run.state == "failed")
    return sorted(job for job, has_failed in found.items() if has_failed)


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
