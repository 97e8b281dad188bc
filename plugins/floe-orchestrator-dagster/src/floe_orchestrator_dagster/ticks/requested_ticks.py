"""The ticks of a job that this Dagster owns, of several orchestrators that have it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from dagster import RunRequest, ScheduleEvaluationContext, SkipReason

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.schedules.claims import OwnedTicks
from floe_orchestrator_dagster.names.dagster_names import EPOCH_TAG, NOMINAL_TIME_TAG
from floe_orchestrator_dagster.ticks.runs_of_schedule import failed_runs

# Of a late tick, whose runs fail before they claim it.
MOST_STARTS = 3
Requested = Sequence[RunRequest | SkipReason]


def request_of(tick: datetime, run_key: str | None = None) -> RunRequest:
    """Return the request of a run; of several in one evaluation, each needs a key of its own."""
    return RunRequest(run_key=run_key, tags={NOMINAL_TIME_TAG: tick.isoformat()})


class RequestedTicks(OwnedTicks):
    """The ticks of a job that this Dagster owns, and the requests of their runs."""

    def with_late(
        self, found: Requested, schedule_name: str, context: ScheduleEvaluationContext
    ) -> Requested:
        """Return the requests of an evaluation after those of late ticks that have no run yet.

        Each run claims its tick before it builds.
        """
        requests = {_tick_of(each): each for each in found if isinstance(each, RunRequest)}
        try:
            late = self.late(context.scheduled_execution_time.astimezone(UTC))
        except EnvironmentProblemError as error:
            context.log.warning("ticks that passed during a move wait: %s", error)
            late = []
        for tick in (each for each in late if each not in requests):
            # Nobody has claimed it, so its runs have failed before they began to build.
            failed = failed_runs(context, schedule_name, tick)
            if failed is not None and failed < MOST_STARTS:
                requests[tick] = request_of(
                    tick, f"{tick.isoformat()}#{failed}" if failed else None
                )
        if not requests:
            return found
        return [self._claiming(requests[tick], tick) for tick in sorted(requests)]

    def _claiming(self, request: RunRequest, tick: datetime) -> RunRequest:
        tags = {**request.tags, EPOCH_TAG: str(self.owner.epoch)}
        return RunRequest(run_key=request.run_key or tick.isoformat(), tags=tags)


def _tick_of(request: RunRequest) -> datetime:
    return datetime.fromisoformat(request.tags[NOMINAL_TIME_TAG])
