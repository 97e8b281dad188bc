"""Move a job back to a schedule that floe does not manage."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from floe_core.foundation.errors import EnvironmentProblemError, UsageError
from floe_core.schedules import ticks_between
from floe_core.schedules.ownership import begin_move, call_off_move
from floe_core.schemas.policies import Job, Owner
from floe_migrate.moving.move import hand_over
from floe_migrate.moving.mover import Mover, Waiting
from floe_migrate.moving.records import Records
from floe_migrate.moving.remaining import GRACE, INSTANT, first_tick_after
from floe_migrate.sides.side import UnmanagedSide

# Nothing is resumed so shortly before a tick, which could then be the one or the other.
BEFORE_TICK = timedelta(seconds=5)


@dataclass
class HandBack(Mover):
    """The move of a job from an orchestrator of floe to an unmanaged schedule.

    `old` is the target.
    """

    old: UnmanagedSide = field(kw_only=True)

    def check_target(self) -> None:
        """Check that the schedule is there, and paused unless the move has resumed it.

        Raises:
            EnvironmentProblemError: It is not.
        """
        for name, owner in self._owners_at("kept", "announced").items():
            if self.old.schedule.state().is_enabled and not owner.next:
                raise EnvironmentProblemError(
                    f"{self.old.name} is not paused, so it starts ticks of job '{name}' that "
                    f"{self.source.name} runs as well; pause it first"
                )

    def hand_over(self, *, force: bool = False) -> Waiting:
        """Resume the schedule with the first tick that the source does not run. See `Mover`.

        With `force`, ticks that the source did not claim, and that are over, have no run.
        """
        waiting = {}
        for name, owner in self._owners_at("announced").items():
            if reason := self._give(name, owner, force):
                waiting[name] = reason
        return waiting

    def _give(self, name: str, owner: Owner, force: bool) -> str:
        """Do the next step; return what to wait for, "" once the schedule owns the job."""
        found = self._first_tick(name, owner, force)
        if isinstance(found, str):
            return found
        assert owner.until is not None
        job, now, first = self.records.job(name), self.now(), owner.until
        if first_tick_after(job, now) - now < BEFORE_TICK:
            return "a tick is about to come"
        if force and found < min(first, now):
            first = self._pass_over(name, job, found)
        begins = self.old.schedule.resume(first)
        if begins < first:
            return f"{self.old.name} would start with {begins.isoformat()}, which is over"
        if begins > first:
            # A source that is gone runs nothing late.
            late = f"{self.old.name} starts with {begins.isoformat()} by now"
            return late if force else self._extend(name, owner, begins)
        self.tell(f"{name}: resumed {self.old.name}")
        return self._finish(name, owner, first)

    def _pass_over(self, name: str, job: Job, start: datetime) -> datetime:
        """Return the first tick that the schedule still starts; tell which ones have no run."""
        begins = self.old.schedule.state().next_tick or self.now()
        if lost := missed_ticks(job, start - INSTANT, begins):
            self.tell(f"warning: {name}: {lost} have no run")
        return begins

    def _extend(self, name: str, owner: Owner, begins: datetime) -> str:
        """Let the source also run the ticks before the first one that the schedule can start."""
        job, now = self.records.job(name), self.now()
        if not self.old.schedule.state().is_enabled:
            begins = max(begins, first_tick_after(job, now + self.margin))
        longer = begin_move(call_off_move(owner, now), self.target.name, begins)
        if not self.records.replace(name, owner, longer):
            return "its record was changed meanwhile"
        self.source.apply(name)
        return f"{self.source.name} also runs what comes before {begins.isoformat()}"

    def _finish(self, name: str, owner: Owner, first: datetime) -> str:
        new = hand_over(owner, first, self.now())
        if not self.records.replace(name, owner, new):
            return "its record was changed meanwhile"
        what = f"{name}: {new.orchestrator} owns it (epoch {new.epoch})"
        self.tell(f"{what}, from {first.isoformat()} on")
        return ""


def keep(records: Records, old: UnmanagedSide, name: str, *, accepts_gap: bool) -> None:
    """Resume a schedule that a move has paused, so that it keeps the job.

    Raises:
        UsageError: Ticks that passed meanwhile would have no run, which is not accepted.
        EnvironmentProblemError: Its orchestrator does not respond, or does not have it.
    """
    owner, found = records.owners()[name], old.schedule.state()
    first = found.next_tick
    if found.is_enabled or first is None or owner.until is None:
        return
    after = max(owner.until - GRACE, found.last_tick or owner.until)
    while True:
        lost = missed_ticks(records.job(name), after, first)
        if lost and not accepts_gap:
            raise UsageError(
                f"{old.name} would not start {lost}; finish the move with `floe migrate apply`, so "
                f"that {owner.next} runs them late, or lose them with --accept gap"
            )
        begins = old.schedule.resume(first)
        if begins <= first:
            return
        first = begins


def missed_ticks(job: Job, after: datetime | None, end: datetime) -> str:
    """Return a text of the ticks between two moments, "" if there are none."""
    if job.schedule is None or after is None:
        return ""
    start = after + INSTANT
    ticks = ticks_between(job.schedule.cron, job.schedule.timezone, start, max(start, end))
    if not ticks:
        return ""
    first, last = ticks[0].isoformat(), ticks[-1].isoformat()
    return f"its tick of {first}" if len(ticks) == 1 else f"{len(ticks)} ticks, {first} to {last}"
