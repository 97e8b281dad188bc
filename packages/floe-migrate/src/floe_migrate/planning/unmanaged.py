"""What a move from or to a schedule that floe does not manage may lose, or run twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from floe_core.cli.console import count_of
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.unmanaged_schedules import ScheduleState
from floe_core.schedules import next_tick
from floe_core.schedules.cron_expression import CronExpression
from floe_core.schedules.dialect import parse_cron
from floe_core.schemas.policies import Job, Owner
from floe_migrate.moving.remaining import INSTANT
from floe_migrate.planning.finding import Finding
from floe_migrate.sides.side import UnmanagedSide


def before_taking_over(old: UnmanagedSide, job: Job) -> Iterator[Finding]:
    """Yield how an unmanaged schedule differs from that of a job which is to replace it."""
    try:
        found, runs = old.schedule.state(), old.runs(job.name)
    except EnvironmentProblemError as error:
        fix = "start it, give its manifest with --access, or correct the name of the schedule"
        yield Finding("source", "unknown", str(error), fix)
        return
    yield _schedule(old, job, found)
    ticks = {run.nominal_time for run in runs} | {found.next_tick}
    yield _ticks(old, job, sorted(tick for tick in ticks if tick))
    if not found.is_enabled:
        yield Finding("paused", "note", f"{old.name} is paused already")
    if found.catchup and found.next_tick and found.last_tick:
        what = f"{old.name} has catchup: before it is paused, it may start ticks that it has missed"
        yield Finding("catchup", "note", what)
    for run in (each for each in runs if not each.is_over):
        yield Finding("runs", "note", f"run {run.run_id} is {run.state}; a move waits for it")


def before_handing_back(old: UnmanagedSide, job: Job, owner: Owner) -> Iterator[Finding]:
    """Yield which ticks an unmanaged schedule may start though floe has run them."""
    found = old.schedule.state()
    yield _schedule(old, job, found)
    if found.catchup:
        what = (
            f"{old.name} has catchup: it starts the ticks again that {owner.orchestrator} has run"
        )
        yield Finding("catchup", "loss", what, "set catchup=False on it")
    who = owner.orchestrator
    for run in old.runs(job.name):
        if not run.nominal_time and run.created_at >= owner.first_tick:
            what = f"run {run.run_id} of {old.name} was started by hand while {who} had the job"
            yield Finding("by-hand", "unknown", f"{what}; it may have built what {who} built")


def _schedule(old: UnmanagedSide, job: Job, found: ScheduleState) -> Finding:
    """Compare what the orchestrator shows of a schedule with the schedule of the job."""
    ours = job.schedule
    if ours is None or not ours.enabled:
        what = f"job '{job.name}' has no schedule that is enabled, so nothing starts it afterwards"
        return Finding("schedule", "loss", what, "set one: `floe schedule set`")
    theirs = f"'{found.cron}' in {found.timezone or 'an unknown time zone'}"
    shown = f"{old.name} has {theirs}, job '{job.name}' has '{ours.cron}' in {ours.timezone}"
    if found.timezone == ours.timezone and _same_cron(found.cron, ours.cron):
        return Finding("schedule", "ok", shown)
    what = f"{shown}; around the move, a tick may be left out or run twice"
    return Finding("schedule", "unknown", what, "give both the same one")


def _same_cron(one: str, other: str) -> bool:
    try:
        return _fields(parse_cron(one)) == _fields(parse_cron(other))
    except ValueError:
        return False


def _fields(cron: CronExpression) -> tuple[object, ...]:
    return cron.minutes, cron.hours, cron.days, cron.months, cron.weekdays, cron.either_day


def _ticks(old: UnmanagedSide, job: Job, ticks: Sequence[datetime]) -> Finding:
    """Compare ticks of an unmanaged schedule with those of the job's: a zone may not be shown."""
    rule = job.schedule
    others = [
        tick
        for tick in ticks
        if rule and next_tick(rule.cron, rule.timezone, tick - INSTANT) != tick
    ]
    if not others:
        what = f"the last {len(ticks)} ticks of {old.name} are ticks of job '{job.name}'"
        return Finding("ticks", "ok", what)
    what = f"{old.name} has {count_of(len(others), 'tick')} that job '{job.name}' does not have"
    return Finding("ticks", "unknown", f"{what}, the last one is {others[-1].isoformat()}")
