"""What an orchestrator promises to do with a product, read before anything runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from floe_core import plugin_registry
from floe_core.plugin_api.powers import RetryPlan, RetryReporter, TickReporter
from floe_core.schedules import ticks_between
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Schedule

YEAR = timedelta(days=366)
# A tick every minute would be half a million a year: then only this many are compared.
MAX_TICKS = 10_000


@dataclass(frozen=True)
class Promises:
    """Job name -> ticks of the next year, in UTC, and job name -> what follows a failure.

    A job is missing if the orchestrator can't report on it.
    """

    ticks: dict[str, tuple[datetime, ...]] = field(default_factory=dict)
    retries: dict[str, RetryPlan] = field(default_factory=dict)


def promises_of(artifacts: CompiledArtifacts, start: datetime) -> Promises:
    """Return the promises of the product's orchestrator from a moment on."""
    choice = artifacts.orchestrator
    plugin = plugin_registry.load(choice.name, choice.config)
    ticks, retries = {}, {}
    for job in artifacts.jobs:
        if isinstance(plugin, TickReporter) and job.schedule is not None:
            end = _end(job.schedule, start)
            ticks[job.name] = tuple(plugin.ticks_of(job.schedule, start, end))
        if isinstance(plugin, RetryReporter):
            retries[job.name] = plugin.retry_plan(artifacts, job.name)
    return Promises(ticks, retries)


def today() -> datetime:
    """Return the start of the current day in UTC, where the year of ticks starts."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def differing_promises(names: tuple[str, str], left: Promises, right: Promises) -> list[str]:
    """Return the differences between the promises of two orchestrators, as sentences."""
    found = []
    for job in sorted(left.ticks.keys() & right.ticks.keys()):
        found += _ticks(names, job, set(left.ticks[job]), set(right.ticks[job]))
    for job in sorted(left.retries.keys() & right.retries.keys()):
        one, two = left.retries[job], right.retries[job]
        if one != two:
            plans = " and ".join(
                f"{_plan(p)} on {n}" for n, p in zip(names, (one, two), strict=True)
            )
            found.append(f"what follows a failure of job '{job}': {plans}")
    return found


def _end(schedule: Schedule, start: datetime) -> datetime:
    ticks = ticks_between(schedule.cron, schedule.timezone, start, start + YEAR)
    return ticks[MAX_TICKS] if len(ticks) > MAX_TICKS else start + YEAR


def _ticks(
    names: tuple[str, str], job: str, left: set[datetime], right: set[datetime]
) -> list[str]:
    return [
        f"the ticks of job '{job}': {len(alone)} on {name} alone, such as "
        f"{min(alone):%Y-%m-%d %H:%M} UTC"
        for name, alone in ((names[0], left - right), (names[1], right - left))
        if alone
    ]


def _plan(plan: RetryPlan) -> str:
    delays = ", ".join(f"{delay:g}" for delay in plan.delays)
    retries = f"retries after {delays} s" if delays else "no retry"
    return f"{retries}, pool {plan.pool or 'none'}"
