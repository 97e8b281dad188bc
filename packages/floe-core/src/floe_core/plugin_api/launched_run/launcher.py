"""Run a product on this machine through its orchestrator's own engine, now or for past days."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from floe_core import plugin_registry
from floe_core.foundation.errors import PluginError, UsageError
from floe_core.plugin_api.powers import BackfillLauncher, RunLauncher, RunOptions, RunReport
from floe_core.runs.build_events import BuildEvent
from floe_core.runs.run_parameters import TimeRange
from floe_core.schedules import check_timezone, ticks_between
from floe_core.schedules.live_schedules import live_job
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job, Schedule


def launch(
    artifacts: CompiledArtifacts,
    options: RunOptions,
    on_event: Callable[[BuildEvent], None],
    started: RunLauncher | None = None,
) -> RunReport:
    """Run to the end and return the orchestrator's own report; `started` was started early.

    Raises:
        PluginError: The plugin cannot launch runs here.
        EnvironmentProblemError: The orchestrator could not be started.
    """
    if started is not None:
        return started.launch_run(artifacts, options, on_event)
    choice = artifacts.orchestrator
    plugin = plugin_registry.load(choice.name, choice.config)
    if not isinstance(plugin, RunLauncher):
        raise PluginError(
            f"the plugin '{choice.name}' cannot run a product here; start the run in {choice.name}"
        )
    return plugin.launch_run(artifacts, options, on_event)


OnEvent = Callable[[BuildEvent], None]


@dataclass(frozen=True, slots=True)
class Backfill:
    """The runs of a backfill: one for each tick, or one for the whole range without ticks."""

    job: str
    range: TimeRange
    ticks: tuple[datetime, ...] = ()

    @property
    def moments(self) -> tuple[datetime, ...]:
        """The nominal times of its runs, in order, in UTC."""
        return self.ticks or (self.range.end,)


def plan_backfill(artifacts: CompiledArtifacts, job: Job, first: date, last: date) -> Backfill:
    """Return what a backfill of these days, both included, runs; days are those of the schedule.

    The schedule is the current one, as the orchestrator has it.

    Raises:
        UsageError: The range has no days, or they are not over; it runs by tick and there are
            none; or the job builds from scratch.
        EnvironmentProblemError: The schedule store cannot be read.
    """
    if job.full_refresh:
        raise UsageError(
            f"each run of the job '{job.name}' builds from scratch (fullRefresh), so a backfill "
            "would keep its last day alone; backfill a job without it"
        )
    schedule = live_job(artifacts, job).schedule
    zone = check_timezone(schedule.timezone if schedule else "UTC")
    if last < first:
        raise UsageError(f"the backfill would end on {last}, before it begins on {first}")
    start = datetime.combine(first, time(), zone).astimezone(UTC)
    end = datetime.combine(last + timedelta(days=1), time(), zone).astimezone(UTC)
    if end > datetime.now(UTC):
        raise UsageError(f"{last} is not over yet, so it cannot be backfilled")
    span = TimeRange(start, end)
    if artifacts.execution.backfill_by == "range":
        return Backfill(job.name, span)
    return Backfill(job.name, span, _ticks(job.name, schedule, span))


def _ticks(job_name: str, schedule: Schedule | None, span: TimeRange) -> tuple[datetime, ...]:
    by_range = "or set `execution.backfillBy: range` in floe.yaml"
    if schedule is None:
        raise UsageError(f"the job '{job_name}' has no schedule to backfill; set one, {by_range}")
    if not schedule.enabled:
        raise UsageError(
            f"the schedule of the job '{job_name}' is paused or disabled, so it has no ticks to "
            f"backfill; resume it with `floe schedule resume`, {by_range}"
        )
    ticks = ticks_between(schedule.cron, schedule.timezone, span.start, span.end)
    if not ticks:
        raise UsageError(f"'{schedule.cron}' has no tick from {span.start} to {span.end}")
    return tuple(ticks)


def launch_backfill(
    artifacts: CompiledArtifacts, backfill: Backfill, on_event: OnEvent
) -> list[RunReport]:
    """Run to the end, one run after the other, and return the reports in order.

    Raises:
        PluginError: The plugin cannot launch runs here.
        EnvironmentProblemError: The orchestrator could not be started.
    """
    if not backfill.ticks:
        options = RunOptions(backfill.job, nominal_time=backfill.range.end, range=backfill.range)
        return [launch(artifacts, options, on_event)]
    choice = artifacts.orchestrator
    plugin = plugin_registry.load(choice.name, choice.config)
    if isinstance(plugin, BackfillLauncher):
        return plugin.launch_backfill(artifacts, backfill.job, backfill.ticks, on_event)
    return _one_by_one(artifacts, backfill.job, backfill.ticks, on_event)


def _one_by_one(
    artifacts: CompiledArtifacts, job: str, ticks: Sequence[datetime], on_event: OnEvent
) -> list[RunReport]:
    return [launch(artifacts, RunOptions(job, nominal_time=tick), on_event) for tick in ticks]
