"""A job that moves between two orchestrators in simulated time, on a real store of schedules.

The orchestrators are simulated: each runs the ticks that floe's functions give it. A kill ends a
move at any look at the store.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from small_artifacts import small_product

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.powers import RunningSchedule
from floe_core.plugin_api.run_history import RecordedRun
from floe_core.schedules import ticks_between
from floe_core.schedules.claims import claim_tick, late_ticks
from floe_core.schedules.ownership import runs_tick
from floe_core.schemas.compiled_artifacts import CompiledArtifacts, OrchestratorChoice
from floe_core.schemas.policies import Job, Owner, Schedule
from floe_migrate.moving.mover import Mover
from floe_migrate.moving.records import Records

JOB = "shop"
EVERY_MINUTE = Schedule(cron="* * * * *", catchup=True)
SHOP = Job(name=JOB, schedule=EVERY_MINUTE)
STEP = timedelta(seconds=10)


class Killed(Exception):
    """The process that moves a job was killed."""


class MortalRecords(Records):
    """Records whose process dies before the use with this number, counted from 1."""

    def __init__(self, artifacts: CompiledArtifacts, dies_at: int | None = None) -> None:
        super().__init__(artifacts)
        self.uses = 0
        self._dies_at = dies_at

    def owners(self) -> dict[str, Owner]:
        self._live()
        return dict(super().owners())

    def replace(self, name: str, before: Owner | None, after: Owner | None) -> bool:
        self._live()
        return super().replace(name, before, after)

    def _live(self) -> None:
        self.uses += 1
        if self.uses == self._dies_at:
            raise Killed


@dataclass
class World:
    """Simulated time, in which each of two orchestrators may have the product."""

    folder: Path
    start: datetime = datetime(2026, 11, 30, 6, 0, 30, tzinfo=UTC)
    chance: random.Random = field(default_factory=random.Random)
    job: Job = SHOP
    # Where the records are; by default in the folder.
    store: str = ""

    def __post_init__(self) -> None:
        self.now = self.start
        if not self.store:
            self.store = str(self.folder / "store")
            Path(self.store).mkdir(parents=True)
        self.one, self.two = (SimulatedSide(self, name) for name in ("one", "two"))
        self.one.is_deployed = True

    @property
    def records(self) -> Records:
        return Records(self.one.artifacts)

    def side(self, name: str) -> SimulatedSide:
        return {"one": self.one, "two": self.two}[name]

    # As `Sides` has it.
    any_side = side

    def mover(self, source: str, target: str, dies_at: int | None = None) -> Mover:
        return Mover(
            MortalRecords(self.one.artifacts, dies_at),
            self.side(source),
            self.side(target),
            (JOB,),
            timedelta(seconds=60),
            lambda text: None,
            lambda: self.now,
        )

    def pass_time(self) -> None:
        """Let both orchestrators look at the clock, in any order, and time pass."""
        sides = [self.one, self.two]
        self.chance.shuffle(sides)
        for side in sides:
            side.look()
        self.now += STEP

    def built(self) -> list[datetime]:
        """Return the ticks that were built, in the order in which their runs started."""
        runs = [run for side in (self.one, self.two) for run in side.started]
        return [run.nominal_time for run in sorted(runs, key=lambda r: r.created_at)]  # type: ignore[misc]

    def ticks(self, end: datetime) -> list[datetime]:
        return ticks_between(EVERY_MINUTE.cron, "UTC", self.start, end)


class SimulatedSide:
    """An orchestrator that runs one tick after the other, and none while it is away."""

    def __init__(self, world: World, name: str) -> None:
        self.artifacts = small_product(
            name=JOB,
            jobs=(world.job,),
            orchestrator=OrchestratorChoice(name=name, config={"schedule_store": world.store}),
        ).bound_to(world.folder)
        self._world = world
        self.name = name
        self.is_deployed = False
        self.is_up = True
        # So many calls of `apply` find it away, though it is up again right after them.
        self.blinks = 0
        self.starts_ticks = True
        # How long it acts on the record that it has read, as Airflow does by a DAG that it parsed.
        self.reads_every = timedelta(0)
        self._read: tuple[datetime, Owner | None] | None = None
        self.skew = timedelta(0)
        self.lasts = timedelta(seconds=20)
        self._seen = world.start
        self.started: list[RecordedRun] = []
        self.backfilling: list[str] = []

    def look(self) -> None:
        """Start the next tick that is this side's, unless a run is in progress."""
        local = self._world.now + self.skew
        is_idle = all(run.is_over for run in self._runs())
        if not (self.is_up and self.is_deployed and self.starts_ticks and is_idle):
            return
        owner = self._known_owner()
        for tick in self._due(owner, local):
            if not runs_tick(owner, self.name, tick) and self._start(tick, owner):
                return
            self._seen = max(self._seen, tick + timedelta(microseconds=1))

    def _known_owner(self) -> Owner | None:
        now = self._world.now
        if self._read is None or now >= self._read[0] + self.reads_every:
            self._read = (now, self._world.records.owners().get(JOB))
        return self._read[1]

    def _due(self, owner: Owner | None, local: datetime) -> list[datetime]:
        """Return the ticks to look at, in order: late ones, and those since the last look."""
        found = set(ticks_between(EVERY_MINUTE.cron, "UTC", self._seen, local))
        if owner is not None and owner.orchestrator == self.name:
            claimed = self._world.records.claims(JOB)
            found |= set(late_ticks(owner, EVERY_MINUTE, claimed, local))
        return sorted(found - {run.nominal_time for run in self.started})

    def _start(self, tick: datetime, owner: Owner | None) -> bool:
        run_id = f"{self.name}-{len(self.started)}"
        if owner and claim_tick(self.artifacts, JOB, tick, run_id):
            return False
        now = self._world.now
        self.started.append(
            RecordedRun(JOB, JOB, run_id, "success", now, now, now + self.lasts, tick)
        )
        return True

    def retry(self, lasts: timedelta) -> None:
        """Let the last run have failed, and start it again as a run of its own, as Dagster does."""
        now, last = self._world.now, self.started[-1]
        again = replace(last, run_id=f"{last.run_id}-again", created_at=now, ended_at=now + lasts)
        self.started[-1:] = [replace(last, state="failed"), again]

    def runs(self, job_name: str) -> Sequence[RecordedRun]:
        if not self.is_up:
            raise EnvironmentProblemError(f"{self.name} does not respond")
        return self._runs()

    def backfills(self, job_name: str) -> Sequence[str]:
        return self.backfilling

    def _runs(self) -> list[RecordedRun]:
        now = self._world.now
        return [self._as_of(run, now) for run in self.started]

    def _as_of(self, run: RecordedRun, now: datetime) -> RecordedRun:
        assert run.ended_at
        state = run.state if run.ended_at <= now else "running"
        return RecordedRun(
            JOB, JOB, run.run_id, state, run.created_at, nominal_time=run.nominal_time
        )

    def shown(self, job_name: str) -> RunningSchedule | None:
        if not (self.is_up and self.is_deployed):
            return None
        owner = self._read[1] if self._read else self._world.records.owners().get(job_name)
        return RunningSchedule(None, owner is None or owner.orchestrator == self.name)

    def apply(self, job_name: str) -> None:
        if not self.is_up or self.blinks:
            # As `OwnerFollower` has it: nothing is done where nothing responds.
            self.blinks = max(0, self.blinks - 1)
            return
        self._read = None
