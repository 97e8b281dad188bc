"""Find changes in a product's jobs: the nodes that each runs, and its schedule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from floe_core.schedules import ticks_between
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job, Schedule


@dataclass(frozen=True, slots=True)
class JobDifference:
    """A job that was added, removed or changed.

    `gained` and `lost` are node ids; `ticks_gained` and `ticks_lost` are in UTC, in order, in the
    requested time range. Schedules, deadlines and pools are texts for people, "" for none.
    """

    name: str
    kind: str
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    old_schedule: str = ""
    new_schedule: str = ""
    ticks_gained: tuple[datetime, ...] = ()
    ticks_lost: tuple[datetime, ...] = ()
    old_deadline: str = ""
    new_deadline: str = ""
    old_pool: str = ""
    new_pool: str = ""
    was_full_refresh: bool = False
    is_full_refresh: bool = False

    def __bool__(self) -> bool:
        is_rescheduled = self.old_schedule != self.new_schedule
        is_rescheduled |= self.old_deadline != self.new_deadline
        is_other = bool(self.gained or self.lost) or self.old_pool != self.new_pool
        is_other |= self.was_full_refresh != self.is_full_refresh
        return self.kind != "changed" or is_other or is_rescheduled


def changed_jobs(
    old: CompiledArtifacts, new: CompiledArtifacts, span: tuple[datetime, datetime]
) -> tuple[JobDifference, ...]:
    """Return the jobs that differ, in the order of the new ones, those removed last."""
    before = {job.name: job for job in old.jobs}
    after = {job.name: job for job in new.jobs}
    found = []
    for name in {**after, **before}:
        one, two = before.get(name), after.get(name)
        kind = "added" if one is None else "removed" if two is None else "changed"
        nodes_before = _node_ids(old, one)
        nodes_after = _node_ids(new, two)
        ticks_before, ticks_after = _ticks(one, span), _ticks(two, span)
        change = JobDifference(
            name,
            kind,
            gained=tuple(sorted(nodes_after - nodes_before)),
            lost=tuple(sorted(nodes_before - nodes_after)),
            old_schedule=_format_schedule(one.schedule if one else None),
            new_schedule=_format_schedule(two.schedule if two else None),
            ticks_gained=tuple(sorted(ticks_after - ticks_before)),
            ticks_lost=tuple(sorted(ticks_before - ticks_after)),
            old_deadline=_format_deadline(one),
            new_deadline=_format_deadline(two),
            old_pool=one.pool if one else "",
            new_pool=two.pool if two else "",
            was_full_refresh=one is not None and one.full_refresh,
            is_full_refresh=two is not None and two.full_refresh,
        )
        if change:
            found.append(change)
    return tuple(found)


def _node_ids(artifacts: CompiledArtifacts, job: Job | None) -> set[str]:
    return {node.unique_id for node in artifacts.nodes_of(job)} if job else set()


def _ticks(job: Job | None, span: tuple[datetime, datetime]) -> set[datetime]:
    schedule = job.schedule if job else None
    if schedule is None or not schedule.enabled:
        return set()
    return set(ticks_between(schedule.cron, schedule.timezone, *span))


def _format_schedule(schedule: Schedule | None) -> str:
    if schedule is None:
        return ""
    return f"{schedule.cron} in {schedule.timezone}{'' if schedule.enabled else ', not enabled'}"


def _format_deadline(job: Job | None) -> str:
    deadline = job.deadline if job else None
    return f"{deadline.time} {deadline.timezone}" if deadline else ""
