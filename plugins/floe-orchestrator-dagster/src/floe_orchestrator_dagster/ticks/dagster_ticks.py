"""The ticks of a schedule as Dagster itself computes them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import takewhile

from dagster import ScheduleDefinition, build_schedule_context

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.schemas.policies import Schedule
from floe_orchestrator_dagster.internals import NoMomentsError, moments_of
from floe_orchestrator_dagster.names.dagster_names import NOMINAL_TIME_TAG
from floe_orchestrator_dagster.ticks.schedules import rule_of
from floe_orchestrator_dagster.ticks.tick_evaluation import runs_or_reason

# Of the definition that is evaluated here, and nowhere else.
NAME = "ticks"


def dagster_ticks(schedule: Schedule, start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the nominal times of the runs that Dagster would request. See `TickReporter`.

    Dagster's own iterator gives the moments, and its own evaluation of the schedule decides which
    of them have a run. The schedule is evaluated as if it were loaded at `start`.

    Raises:
        EnvironmentProblemError: Dagster does not expose its ticks.
    """
    rule = schedule.model_copy(update={"enabled": True, "since": None})
    definition = ScheduleDefinition(
        name=NAME,
        job_name=NAME,
        execution_fn=lambda context: runs_or_reason(rule, NAME, NAME, context)[0],
        **rule_of(rule, start),
    )
    for moment in takewhile(lambda moment: moment < end, _moments(definition, start)):
        with build_schedule_context(scheduled_execution_time=moment) as context:
            for request in definition.evaluate_tick(context).run_requests or ():
                yield datetime.fromisoformat(request.tags[NOMINAL_TIME_TAG]).astimezone(UTC)


def _moments(definition: ScheduleDefinition, start: datetime) -> Iterator[datetime]:
    zone = definition.execution_timezone or "UTC"
    cron = definition.cron_schedule
    try:
        yield from moments_of(cron if isinstance(cron, str) else list(cron), zone, start)
    except NoMomentsError as error:
        raise EnvironmentProblemError(f"{definition.name}: {error}") from error
