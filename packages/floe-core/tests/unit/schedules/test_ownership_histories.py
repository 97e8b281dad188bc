"""Random histories of moves between two orchestrators: every tick runs once, whatever is killed.

The truth is the list of what was built. Each side is a small orchestrator that does what a plugin
does: at its own times, by its own clock, it asks the store, and builds what it may claim.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from own_database import PASSWORD, SERVER, own_database
from small_artifacts import small_product

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.schedules import claims as claims_module
from floe_core.schedules import latest_tick, next_tick, ticks_between
from floe_core.schedules.claims import claim_tick, claims_of, late_ticks
from floe_core.schedules.job_schedules import JobSchedules
from floe_core.schedules.ownership import (
    begin_move,
    call_off_move,
    end_move,
    first_owner,
    runs_tick,
)
from floe_core.schemas.compiled_artifacts import CompiledArtifacts, OrchestratorChoice
from floe_core.schemas.policies import Job, Owner, Schedule

CRON, ZONE, JOB = "*/5 * * * *", "UTC", "shop"
START = datetime(2026, 11, 30, 8, 1, tzinfo=UTC)
# A move announces a first tick that is as far away at least as two clocks may differ.
MARGIN = timedelta(minutes=2)
SKEW_SECONDS = 30
# Some run on PostgreSQL, and those in folders write thousands of files.
pytestmark = pytest.mark.long
HISTORIES = 60


@dataclass
class Side:
    """An orchestrator: it looks at each tick once, at some time after it, by its own clock."""

    product: CompiledArtifacts
    skew: timedelta
    looked_until: datetime
    built: list[datetime] = field(default_factory=list)
    runs: int = 0

    @property
    def name(self) -> str:
        return self.product.orchestrator.name

    def look(self, now: datetime) -> None:
        """Build the ticks that this side runs now: those that passed since, and the late ones."""
        here = now + self.skew
        schedules = JobSchedules(self.product)
        job = schedules.live(JOB)
        passed = ticks_between(CRON, ZONE, self.looked_until, here)
        due = {tick for tick in passed if not runs_tick(job.owner, self.name, tick)}
        if job.owner is not None and job.owner.orchestrator == self.name:
            due |= {*late_ticks(job.owner, job.schedule, claims_of(self.product, JOB), here)}
        for tick in sorted(due):
            self.build(tick)
        self.looked_until = here

    def build(self, tick: datetime) -> None:
        self.runs += 1
        if not claim_tick(self.product, JOB, tick, f"run-{self.runs}"):
            self.built.append(tick)


@dataclass
class History:
    """Two sides that share a store, and somebody who moves the job and is killed now and then."""

    chance: random.Random
    sides: tuple[Side, Side]
    is_away: Callable[[bool], None]
    now: datetime = START
    owners: list[Owner] = field(default_factory=list)
    order: list[datetime] = field(default_factory=list)

    @property
    def schedules(self) -> JobSchedules:
        return JobSchedules(self.sides[0].product)

    def owner(self) -> Owner:
        found = self.schedules.live(JOB).owner
        assert found is not None
        return found

    def look(self, side: Side) -> None:
        before = len(side.built)
        try:
            side.look(self.now)
        finally:
            self.order += side.built[before:]

    def replace(self, before: Owner, after: Owner) -> None:
        if self.schedules.change_owner(JOB, before, after):
            self.owners.append(after)

    def step_of_move(self) -> None:
        """Do the next step of a move, or call it off. Being killed is that no step comes for long."""
        owner = self.owner()
        source = next(side for side in self.sides if side.name == owner.orchestrator)
        [target] = (side for side in self.sides if side is not source)
        if owner.until is None:
            first = next_tick(CRON, ZONE, self.now + MARGIN)
            self.replace(owner, begin_move(owner, target.name, first))
        elif self.chance.random() < 0.3:
            self.replace(owner, call_off_move(owner, self.now))
        elif self.is_drained(owner):
            self.replace(owner, end_move(owner, self.now))

    def is_drained(self, owner: Owner) -> bool:
        """Return whether the source has claimed the last tick before the move."""
        assert owner.until is not None
        last = latest_tick(CRON, ZONE, owner.until - timedelta(seconds=1))
        return last < START or last in claims_of(self.sides[0].product, JOB)

    def go_on(self) -> None:
        """Let some seconds pass, in which somebody does something."""
        self.now += timedelta(seconds=self.chance.randint(1, 200))
        self.is_away(self.chance.random() < 0.1)
        act = self.chance.choice(["look", "look", "look", "move"])
        try:
            if act == "move":
                self.step_of_move()
            else:
                self.look(self.chance.choice(self.sides))
        except EnvironmentProblemError:
            # Whoever cannot read the store does nothing, and asks again.
            return

    def end(self) -> None:
        """Let both sides look once more, each until it has done what is left."""
        self.is_away(False)
        owner = self.owner()
        if owner.until is not None:
            self.replace(owner, call_off_move(owner, self.now))
        for side in self.sides:
            self.look(side)


def history(
    number: int, direction: int, folder: Path, place: str, patch: pytest.MonkeyPatch
) -> History:
    chance = random.Random(f"{number}-{direction}")
    skews = [timedelta(seconds=chance.randint(-SKEW_SECONDS, SKEW_SECONDS)) for _ in range(2)]
    names = ("here", "there") if direction == 0 else ("there", "here")
    sides = [
        Side(shop_at(name, folder, place), skew, START)
        for name, skew in zip(names, skews, strict=True)
    ]
    away = False

    def set_away(value: bool) -> None:
        nonlocal away
        away = value

    def perhaps_away(original: Callable[..., object]) -> Callable[..., object]:
        def ask(*args: object) -> object:
            if away:
                raise EnvironmentProblemError("the store is away")
            return original(*args)

        return ask

    for name in ("live_job", "claims_of"):
        patch.setattr(claims_module, name, perhaps_away(getattr(claims_module, name)))
    patch.setattr(JobSchedules, "live", perhaps_away(JobSchedules.live))
    made = History(chance, (sides[0], sides[1]), set_away)
    first = first_owner(names[0])
    assert made.schedules.change_owner(JOB, None, first)
    made.owners.append(first)
    return made


def shop_at(name: str, folder: Path, place: str) -> CompiledArtifacts:
    choice = OrchestratorChoice(name=name, config={"schedule_store": place})
    job = Job(name=JOB, schedule=Schedule(cron=CRON, timezone=ZONE))
    return small_product(name="shop", orchestrator=choice, jobs=(job,)).bound_to(folder)


def check(made: History, steps: int) -> None:
    for _ in range(steps):
        made.go_on()
    made.end()
    expected = ticks_between(CRON, ZONE, START, made.now - timedelta(seconds=SKEW_SECONDS))
    built = sorted(tick for side in made.sides for tick in side.built)
    assert built[: len(expected)] == expected
    assert len(built) == len({*built})
    assert made.order == built
    # One record after the other: each epoch has one owner, and follows the last one.
    epochs = [owner.epoch for owner in made.owners]
    assert epochs == sorted(epochs)
    assert len({(owner.epoch, owner.orchestrator) for owner in made.owners}) == len({*epochs})


@pytest.mark.parametrize("direction", [0, 1])
def test_every_tick_runs_once_in_random_histories(direction, tmp_path, monkeypatch):
    for number in range(HISTORIES):
        with monkeypatch.context() as patch:
            folder = tmp_path / str(number)
            (folder / "shared").mkdir(parents=True)
            check(history(number, direction, folder, str(folder / "shared"), patch), 60)


def test_every_tick_runs_once_in_random_histories_on_postgres(tmp_path, monkeypatch):
    with own_database() as database, monkeypatch.context() as patch:
        host = f"{SERVER['host']}:{SERVER['port']}"
        place = f"postgresql://{SERVER['user']}:{PASSWORD}@{host}/{database}"
        check(history(1, 0, tmp_path, place, patch), 100)
