"""Move jobs from one orchestrator to another: each step is one change of their records.

A killed move goes on from where the records stand, so no step is repeated and none is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from floe_core.foundation.errors import EnvironmentProblemError, UsageError
from floe_core.plugin_api.run_history import RecordedRun
from floe_core.schedules.ownership import begin_move, call_off_move
from floe_core.schemas.policies import Owner
from floe_migrate.moving.move import Move, Stage, first_record, hand_over
from floe_migrate.moving.records import Records
from floe_migrate.moving.remaining import (
    INSTANT,
    awaited_tick,
    first_tick_after,
    first_unclaimed,
    has_run_unclaimed,
    run_in_progress,
)
from floe_migrate.sides.side import Side

# An orchestrator that read the records just before a change has acted on it after this time. It
# must be longer than the pause between two looks at updates of ports.
SETTLING = timedelta(seconds=15)

Waiting = Mapping[str, str]


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Mover:
    """The move of some jobs from one side to another.

    `margin` is how far the first tick of the target is away at least when it is announced. `tell`
    receives each step. Each method can be called again, also by another process. All raise
    EnvironmentProblemError if the store cannot be used, and UsageError if another move is under
    way. `hand_over` returns job -> why it has to wait, empty once nothing is left to do.
    """

    records: Records
    source: Side
    target: Side
    jobs: tuple[str, ...]
    margin: timedelta
    tell: Callable[[str], None]
    now: Callable[[], datetime] = _utc_now
    # Job -> since when no run has come or changed, and the runs.
    _seen: dict[str, tuple[datetime, frozenset[RecordedRun]]] = field(default_factory=dict)

    def begin(self) -> None:
        """Record the source as the owner of jobs without a record."""
        owners = self.records.owners()
        for name in (each for each in self.jobs if each not in owners):
            if self.records.replace(name, None, first_record(self.source.name, self.now())):
                self.tell(f"{name}: {self.source.name} owns it (epoch 1)")

    def check_source(self) -> None:
        """Check that the source responds and has the jobs that it owns.

        Raises:
            EnvironmentProblemError: It does not.
        """
        for name in self._owners_at("kept", "announced"):
            self.source.runs(name)
            if self.source.shown(name) is None:
                raise EnvironmentProblemError(_lacks(self.source.name, name, self.records))

    def check_target(self) -> None:
        """Check that the target has the jobs, and starts none of them.

        Raises:
            EnvironmentProblemError: It does not respond, lacks a job, or starts one.
        """
        jobs = self._owners_at("kept", "announced")
        if problems := [each for name in jobs for each in self._problems_of_target(name)]:
            raise EnvironmentProblemError("\n".join(problems))
        if jobs:
            self.tell(f"{self.target.name} has {', '.join(jobs)}, and starts none of it yet")

    def announce(self) -> None:
        """Write from which tick on the target runs the jobs; the source runs those before it."""
        for name, owner in self._owners_at("kept").items():
            job = self.records.job(name)
            # A job without a schedule moves as soon as it can.
            margin = self.margin if job.schedule else timedelta(0)
            first = first_tick_after(job, self.now() + margin)
            if self.records.replace(name, owner, begin_move(owner, self.target.name, first)):
                self.tell(
                    f"{name}: {self.source.name} runs what comes before {first.isoformat()}, "
                    f"{self.target.name} what comes from then on"
                )

    def hand_over(self, *, force: bool = False) -> Waiting:
        """Make the target the owner of each job that the source has finished.

        With `force`, also if the source does not respond, or does not start its last ticks. Then
        the target runs those that nobody claimed.
        """
        waiting: dict[str, str] = {}
        for name, owner in self._owners_at("announced").items():
            first = self._first_tick(name, owner, force)
            if isinstance(first, str):
                waiting[name] = first
                continue
            new = hand_over(owner, first, self.now())
            if self.records.replace(name, owner, new):
                what = f"{name}: {new.orchestrator} owns it (epoch {new.epoch})"
                self.tell(f"{what}, from {new.first_tick.isoformat()} on")
            else:
                waiting[name] = "its record was changed meanwhile"
        return waiting

    def require_moved(self) -> None:
        """Check that all jobs have moved.

        Raises:
            UsageError: The move of one was called off meanwhile.
        """
        if left := self._owners_at("kept"):
            who = f"{', '.join(left)} stays with {self.source.name}"
            raise UsageError(f"{who}: the move was called off meanwhile")

    def follow(self) -> None:
        """Make both orchestrators apply who owns the jobs now.

        Raises:
            EnvironmentProblemError: The target does not; the records stay, and a tick is not lost.
        """
        for name in self._owners_at("moved"):
            try:
                self.source.apply(name)
            except EnvironmentProblemError as error:
                self.tell(f"warning: {error}")
            self.target.apply(name)
            shown, schedule = self.target.shown(name), self.records.job(name).schedule
            is_on = schedule is not None and schedule.enabled
            # One that was away for a moment was told nothing, and still answers this question.
            if shown is None or (is_on and not shown.is_enabled):
                lacks = "show its schedule as on yet" if shown else "respond, or no longer has it"
                raise EnvironmentProblemError(
                    f"{name} belongs to {self.target.name}, which does not {lacks}; once it does, "
                    "it starts the ticks since then, late"
                )
            after = f", next tick {shown.next_tick.isoformat()}" if shown.next_tick else ""
            self.tell(f"{name}: moved to {self.target.name}{after}")

    def _first_tick(self, name: str, owner: Owner, force: bool) -> datetime | str:
        """Return the target's first tick, or why the source cannot hand over yet."""
        assert owner.until is not None
        job, source = self.records.job(name), self.source.name
        # Ticks are claimed before they are built, and a backfill that is over has had its runs, so
        # these are read before the runs.
        claimed = self.records.claims(name)
        try:
            backfills = self.source.backfills(name)
            runs = self.source.runs(name)
        except EnvironmentProblemError as error:
            if not force:
                return str(error)
            self.tell(f"warning: {error}; a run of {name} may still be in progress there")
            return first_unclaimed(job, owner, claimed, self.now())
        now = self.now()
        awaited = awaited_tick(job, owner, claimed, runs, now)
        if awaited and not force:
            if has_run_unclaimed(job, owner, claimed, runs):
                return self._await_claim(name, owner, now)
            return f"{source}: {awaited}"
        if reason := run_in_progress(runs, backfills):
            return f"{source}: {reason}"
        if not self._has_settled(name, runs, now):
            return f"{source} may just be starting a run"
        # No tick is between now and `until`. If a schedule is set now, its ticks are the target's.
        return first_unclaimed(job, owner, claimed, now) if awaited else min(owner.until, now)

    def _has_settled(self, name: str, runs: Sequence[RecordedRun], now: datetime) -> bool:
        """Return whether all runs have been over and the same for `SETTLING`.

        A run that is new or has ended since the last look may be followed by a retry.
        """
        found = frozenset(runs)
        since, before = self._seen.get(name, (now, found))
        since = since if found <= before else now
        self._seen[name] = since, found
        return now >= since + SETTLING

    def _await_claim(self, name: str, owner: Owner, now: datetime) -> str:
        """Let the source run one more tick, which it has to claim; return what to wait for.

        It may have read the record too late for the last one.
        """
        job, source = self.records.job(name), self.source
        more = first_tick_after(job, now + self.margin)
        first = first_tick_after(job, more + INSTANT)
        longer = begin_move(call_off_move(owner, now), self.target.name, first)
        if not self.records.replace(name, owner, longer):
            return "its record was changed meanwhile"
        source.apply(name)
        return (
            f"{source.name} ran its last tick without a claim, so it also runs what comes before "
            f"{first.isoformat()}; if it does so again, it reads another store of schedules"
        )

    def _problems_of_target(self, name: str) -> Iterator[str]:
        target = self.target.name
        try:
            self.target.apply(name)
        except EnvironmentProblemError as error:
            yield str(error)
            return
        shown = self.target.shown(name)
        if shown is None:
            what = _lacks(target, name, self.records)
            yield f"{what}; deploy it there, and apply again: {target} starts nothing until then"
        elif shown.is_enabled:
            yield (
                f"{target} starts job '{name}' by its schedule, so it does not read the records in "
                f"{self.records.place}; give it the same `schedule_store`, and restart it"
            )

    def _owners_at(self, *stages: Stage) -> dict[str, Owner]:
        """Return job -> owner of the jobs whose move is at one of these stages."""
        owners = self.records.owners()
        chosen = {name: owners[name] for name in self.jobs if name in owners}
        return {name: each for name, each in chosen.items() if self._stage(name, each) in stages}

    def _stage(self, name: str, owner: Owner) -> Stage:
        return Move(name, self.source.name, self.target.name).stage(owner)


def _lacks(orchestrator: str, job: str, records: Records) -> str:
    product = records.artifacts.product.name
    return f"{orchestrator} does not respond, or does not have job '{job}' of {product}"
