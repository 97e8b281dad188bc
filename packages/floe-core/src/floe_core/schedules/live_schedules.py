"""Apply the schedules of the store to a product's artifacts."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime

from floe_core.foundation.errors import Problem, StaleProductError
from floe_core.schedules.dialect import parse_cron
from floe_core.schedules.schedule_override import Overrides, ScheduleOverride
from floe_core.schedules.schedule_store import store_of
from floe_core.schedules.zones import check_timezone, tzdata_version
from floe_core.schemas.compiled_artifacts import ARTIFACTS_FILE, CompiledArtifacts
from floe_core.schemas.policies import Job

# Set to anything, neither ticks nor updates of ports start runs in this process.
PAUSED_VARIABLE = "FLOE_SCHEDULES_PAUSED"
_PAUSE = ScheduleOverride(since=datetime.fromtimestamp(0, UTC), switch="off")


def with_live_schedules(artifacts: CompiledArtifacts) -> CompiledArtifacts:
    """Return the artifacts with the schedules of the store in place of those of floe.yaml.

    An entry for a job that the product no longer has is ignored. All are paused if
    `PAUSED_VARIABLE` is set.

    Raises:
        EnvironmentProblemError: The store cannot be read.
        StaleProductError: See `check_schedules`.
    """
    check_schedules(artifacts)
    _compare_zones(artifacts)
    store = store_of(artifacts)
    overrides = store.read() if store else {}
    if not overrides and not os.environ.get(PAUSED_VARIABLE):
        return artifacts
    return _with_jobs(artifacts, tuple(_live(artifacts, job, overrides) for job in artifacts.jobs))


def check_schedules(artifacts: CompiledArtifacts, shown_as: str = ARTIFACTS_FILE) -> None:
    """Check that schedules and deadlines are ones that this floe would write.

    A zone may be absent from the time zone database of this machine.

    Raises:
        StaleProductError: One is not; `shown_as` is the file that the error names.
    """
    problems = [problem for job in artifacts.jobs for problem in _problems(job, shown_as)]
    if problems:
        raise StaleProductError(problems)


def _problems(job: Job, file: str) -> Iterator[Problem]:
    what = "schedule"
    try:
        if job.schedule is not None:
            parse_cron(job.schedule.cron)
            check_timezone(job.schedule.timezone)
        what = "deadline"
        if job.deadline is not None:
            check_timezone(job.deadline.timezone)
    except ValueError as error:
        what = f"the {what} of job '{job.name[:80]}': {error}"
        yield Problem(what, "run `floe compile`", file)


def _compare_zones(artifacts: CompiledArtifacts) -> None:
    """Warn if schedules were compiled with another version of the time zone database."""
    compiled, here = artifacts.tzdata_version, tzdata_version()
    if compiled in ("", here) or not any(job.schedule for job in artifacts.jobs):
        return
    warnings.warn(
        f"{artifacts.product.name} was compiled with time zones of {compiled}, and this "
        f"environment has {here}: ticks can differ where a zone's rules changed; install the same "
        "tzdata, or run `floe compile` here",
        stacklevel=3,
    )


def live_job(artifacts: CompiledArtifacts, job: Job) -> Job:
    """Return a job with the store's override applied, paused if `PAUSED_VARIABLE` is set.

    Raises:
        EnvironmentProblemError: The store cannot be read.
    """
    store = store_of(artifacts)
    return _live(artifacts, job, store.read() if store else {})


def _live(artifacts: CompiledArtifacts, job: Job, overrides: Overrides) -> Job:
    here = artifacts.orchestrator.name
    if job.name in overrides:
        job = overrides[job.name].over_job(job, here)
    return _PAUSE.over_job(job, here) if os.environ.get(PAUSED_VARIABLE) else job


def _with_jobs(artifacts: CompiledArtifacts, jobs: tuple[Job, ...]) -> CompiledArtifacts:
    replaced = artifacts.model_copy(update={"jobs": jobs})
    folder = artifacts.project_dir
    return replaced if folder is None else replaced.bound_to(folder)
