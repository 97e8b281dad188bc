"""Move a job from a schedule that floe does not manage.

It reads no records and claims nothing, so it is paused between two runs, and its last tick is the
one that its orchestrator shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.run_history import RecordedRun
from floe_core.plugin_api.unmanaged_schedules import ScheduleState
from floe_core.schedules import next_tick
from floe_core.schedules.claims import Claim
from floe_core.schedules.ownership import begin_move
from floe_core.schemas.policies import Job, Owner
from floe_migrate.moving.move import hand_over
from floe_migrate.moving.mover import Mover, Waiting
from floe_migrate.moving.remaining import GRACE, INSTANT, run_in_progress
from floe_migrate.sides.side import UnmanagedSide


@dataclass
class TakeOver(Mover):
    """The move of a job from an unmanaged schedule to an orchestrator of floe.

    `old` is the source.
    """

    old: UnmanagedSide = field(kw_only=True)

    def announce(self) -> None:
        """Do nothing: `hand_over` announces the move once no run is in progress."""

    def hand_over(self, *, force: bool = False) -> Waiting:
        """Pause the schedule between two runs, and make the target the owner. See `Mover`.

        With `force`, also if the orchestrator of the schedule does not respond.
        """
        waiting = {}
        for name, owner in self._owners_at("kept", "announced").items():
            try:
                reason = self._take(name, owner)
            except EnvironmentProblemError as error:
                reason = self._take_unseen(name, owner, str(error)) if force else str(error)
            if reason:
                waiting[name] = reason
        return waiting

    def _take(self, name: str, owner: Owner) -> str:
        """Do the next step; return what to wait for, "" once the target owns the job."""
        schedule, runs = self.old.schedule.state(), self.old.runs(name)
        busy = run_in_progress(runs) or ("it is starting a run" if schedule.is_starting else "")
        if schedule.is_enabled or not owner.next:
            if busy and schedule.stops_runs:
                return f"{self.old.name}: {busy}, which a pause would stop"
            return self._pause(name, owner, schedule)
        if busy:
            return self._let_run(name, schedule, busy)
        now = self.now()
        if not self._has_settled(name, runs, now):
            return f"{self.old.name} may just be starting a run"
        assert owner.until is not None
        first = first_tick(self.records.job(name), schedule, owner.until, now)
        return self._change(name, owner, first, runs)

    def _pause(self, name: str, owner: Owner, schedule: ScheduleState) -> str:
        self._seen.pop(name, None)
        if not owner.next:
            # Written first, so that a killed move is known to have paused it.
            announced = begin_move(owner, self.target.name, self.now())
            if not self.records.replace(name, owner, announced):
                return "its record was changed meanwhile"
            self.tell(
                f"{name}: {self.target.name} runs what comes after {self.old.name}'s last tick"
            )
        if schedule.is_enabled:
            self.old.schedule.pause()
            self.tell(f"{name}: paused {self.old.name}")
        return f"{self.old.name} may just be starting a run"

    def _let_run(self, name: str, schedule: ScheduleState, busy: str) -> str:
        """Resume a schedule whose pause stops a run that began meanwhile."""
        self._seen.pop(name, None)
        if schedule.stops_runs and schedule.next_tick is not None:
            self.old.schedule.resume(schedule.next_tick)
            self.tell(f"{name}: resumed {self.old.name} until its run is over")
        return f"{self.old.name}: {busy}"

    def _take_unseen(self, name: str, owner: Owner, problem: str) -> str:
        self.tell(f"warning: {problem}; if it comes back, it starts ticks as well: pause it then")
        now = self.now()
        announced = owner if owner.next else begin_move(owner, self.target.name, now)
        if announced is not owner and not self.records.replace(name, owner, announced):
            return "its record was changed meanwhile"
        job = self.records.job(name)
        return self._change(name, announced, first_tick(job, ScheduleState(False), now, now))

    def _change(
        self, name: str, owner: Owner, first: datetime, runs: Sequence[RecordedRun] = ()
    ) -> str:
        """Make the target the owner; a claim of the last tick says who had the job before."""
        last = next((run for run in runs if run.nominal_time), None)
        if last is not None and last.nominal_time is not None:
            who, now = owner.orchestrator, self.now()
            claim = Claim(orchestrator=who, epoch=owner.epoch, run=last.run_id, at=now)
            self.records.claim(name, last.nominal_time, claim)
        new = hand_over(owner, first, self.now())
        if not self.records.replace(name, owner, new):
            return "its record was changed meanwhile"
        what = f"{name}: {new.orchestrator} owns it (epoch {new.epoch})"
        self.tell(f"{what}, from {first.isoformat()} on")
        return ""


def first_tick(job: Job, schedule: ScheduleState, paused_at: datetime, now: datetime) -> datetime:
    """Return the first tick after the last one of a schedule that was paused at a moment.

    Without `catchup`, a schedule that missed ticks long before that would not have started them.
    """
    if job.schedule is None:
        return now
    oldest = paused_at - GRACE
    after = schedule.last_tick or paused_at - INSTANT
    start = after if schedule.catchup else max(after, oldest)
    return next_tick(job.schedule.cron, job.schedule.timezone, start)
