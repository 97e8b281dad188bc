"""A job's schedule as a running Prefect server reports it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.powers import RunningSchedule
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_prefect.internals import NoMomentsError
from floe_orchestrator_prefect.service.served_deployment import served_deployment
from floe_orchestrator_prefect.ticks.prefect_ticks import moments_of

# The spans in which to look for the next tick, one after another.
AHEAD = (timedelta(days=2), timedelta(days=32), timedelta(days=366))


def running_schedule(
    artifacts: CompiledArtifacts, job_name: str, settings: Mapping[str, Any]
) -> RunningSchedule | None:
    """Return the schedule that the server reports. See `ScheduleReporter`."""
    try:
        with served_deployment(artifacts, artifacts.job(job_name), settings) as served:
            if served is None:
                return None
            kept = [one.schedule for one in served.found.schedules if one.active]
    except (EnvironmentProblemError, ValueError):
        return None
    if served.found.paused or not kept:
        return RunningSchedule(None, is_enabled=False)
    return RunningSchedule(next_moment(kept, datetime.now(UTC)), is_enabled=True)


def next_moment(schedules: Sequence[Any], start: datetime) -> datetime | None:
    """Return the first moment of schedules from a moment on, None if that is unknown."""
    try:
        spans = (moments_of(schedules, start, start + ahead) for ahead in AHEAD)
        return next((moments[0] for moments in spans if moments), None)
    except NoMomentsError:
        return None
