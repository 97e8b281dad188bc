"""When a source is finished, and what its target then runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from moving_world import JOB, World

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.run_history import RecordedRun, RunState
from floe_core.schedules.ownership import begin_move, call_off_move, end_move
from floe_core.schemas.policies import Job, Owner, Schedule
from floe_core.schemas.ports import UpdateTrigger
from floe_migrate.moving.move import first_record
from floe_migrate.moving.remaining import (
    awaited_tick,
    first_tick_after,
    first_unclaimed,
    run_in_progress,
)

TICK = datetime(2026, 11, 30, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOURLY = Job(name="shop", schedule=Schedule(cron="0 * * * *"))
RUN = "run r-1 of 2026-11-30T09:00:00+00:00"
NEXT = TICK + 60 * MINUTE


def moving(recorded: datetime) -> Owner:
    """Return the record of a source since then, whose target runs the tick of 10:00."""
    return begin_move(first_record("one", recorded), "two", NEXT)


def run_of(tick: datetime | None, state: RunState = "success") -> RecordedRun:
    return RecordedRun("shop", "shop", "r-1", state, TICK, nominal_time=tick)


@pytest.mark.parametrize(
    ("recorded", "claimed", "runs", "now", "expected"),
    [
        (TICK - MINUTE, [TICK], [], TICK + MINUTE, ""),
        (TICK - MINUTE, [], [], TICK - MINUTE, "its tick of 2026-11-30T09:00:00+00:00 is still to"),
        (TICK - MINUTE, [], [], TICK + 30 * MINUTE, "it has not started its tick of"),
        (TICK - MINUTE, [], [run_of(TICK)], TICK + MINUTE, f"{RUN} is over and claimed no tick"),
        (TICK - MINUTE, [], [run_of(TICK, "running")], TICK, f"{RUN} has not claimed its tick yet"),
        # From before the record: nothing was claimed then.
        (TICK + MINUTE, [], [run_of(TICK)], TICK + 2 * MINUTE, ""),
        (TICK + MINUTE, [], [], TICK + 2 * MINUTE, "it has not started its tick of"),
        (TICK + MINUTE, [], [], TICK + 30 * MINUTE, ""),
    ],
)
def test_the_last_tick_of_a_source_is_awaited_until_it_is_claimed(
    recorded: datetime,
    claimed: list[datetime],
    runs: list[RecordedRun],
    now: datetime,
    expected: str,
) -> None:
    found = awaited_tick(HOURLY, moving(recorded), claimed, runs, now)
    assert found.startswith(expected)
    assert bool(found) == bool(expected)


def test_a_tick_that_was_missed_since_a_move_was_called_off_is_awaited() -> None:
    called_off = call_off_move(moving(TICK - 90 * MINUTE), NEXT + MINUTE)
    again = begin_move(called_off, "two", NEXT + 120 * MINUTE)
    found = awaited_tick(HOURLY, again, [TICK, NEXT], [], NEXT + 80 * MINUTE)
    assert found == "it has not started its tick of 2026-11-30T11:00:00+00:00"


@pytest.mark.parametrize(
    "schedule",
    [
        None,
        Schedule(cron="0 * * * *", enabled=False),
        Schedule(cron="0 * * * *", since=TICK + MINUTE),
    ],
)
def test_no_tick_is_awaited_of_a_schedule_that_had_none(schedule: Schedule | None) -> None:
    job = Job(name="shop", schedule=schedule)
    assert awaited_tick(job, moving(TICK - MINUTE), [], [], TICK + 2 * MINUTE) == ""


def test_a_job_that_came_back_awaits_no_tick_of_the_other_owner() -> None:
    came = end_move(moving(TICK - 90 * MINUTE), NEXT + MINUTE)
    back = begin_move(came, "one", NEXT)
    assert awaited_tick(HOURLY, back, [], [], NEXT + 2 * MINUTE) == ""


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_run_by_hand_is_waited_for(state: RunState) -> None:
    assert run_in_progress([run_of(TICK), run_of(None, state)]) == f"run r-1 is {state}"
    assert run_in_progress([run_of(TICK), run_of(None, "failed")]) == ""


def test_a_backfill_is_waited_for_also_while_it_has_no_run(tmp_path: Path) -> None:
    world = World(tmp_path, job=Job(name=JOB))
    world.one.backfilling = ["backfill 3"]
    mover = world.mover("one", "two")
    mover.begin()
    mover.announce()
    waits = {JOB: "one: backfill 3 is in progress"}
    for force in (False, True):
        assert mover.hand_over(force=force) == waits
    world.now += timedelta(seconds=60)
    assert mover.hand_over() == waits
    world.one.backfilling = []
    # A run of it may still be starting.
    assert mover.hand_over() == {JOB: "one may just be starting a run"}
    world.now += timedelta(seconds=16)
    assert mover.hand_over() == {}


@pytest.mark.parametrize(
    ("catchup", "expected"), [(True, TICK + MINUTE), (False, TICK + 4 * MINUTE)]
)
def test_without_its_source_the_target_runs_what_nobody_claimed(
    catchup: bool, expected: datetime
) -> None:
    job = Job(name="shop", schedule=Schedule(cron="* * * * *", catchup=catchup))
    owner = begin_move(first_record("one", TICK - MINUTE), "two", TICK + 5 * MINUTE)
    assert first_unclaimed(job, owner, [TICK - MINUTE, TICK], TICK + 9 * MINUTE) == expected
    everything = [TICK + number * MINUTE for number in range(5)]
    assert first_unclaimed(job, owner, everything, TICK + 9 * MINUTE) == TICK + 5 * MINUTE


def test_the_first_tick_of_a_target_is_at_least_so_far_away() -> None:
    assert first_tick_after(HOURLY, TICK) == TICK
    assert first_tick_after(HOURLY, TICK + timedelta(seconds=1)) == NEXT
    assert first_tick_after(Job(name="shop"), TICK + MINUTE) == TICK + MINUTE


@pytest.mark.parametrize("seconds", [1, 60])
def test_a_retry_that_ended_may_be_followed_by_another(tmp_path: Path, seconds: int) -> None:
    world = World(tmp_path)
    world.one.lasts = timedelta(0)
    mover = world.mover("one", "two")
    mover.begin()
    mover.announce()
    until = world.records.owners()[JOB].until
    assert until
    while until - MINUTE not in world.records.claims(JOB):
        world.pass_time()
    world.now = until
    told = {JOB: "one may just be starting a run"}
    assert mover.hand_over() == told
    world.now += timedelta(seconds=5)
    world.one.retry(timedelta(seconds=seconds))
    if seconds > 16:
        assert mover.hand_over() == {JOB: f"one: run {world.one.started[-1].run_id} is running"}
    world.now += timedelta(seconds=max(seconds, 16))
    # The next attempt is not created yet.
    assert mover.hand_over() == told
    world.one.retry(timedelta(seconds=5))
    world.now += timedelta(seconds=6)
    assert mover.hand_over() == told
    world.now += timedelta(seconds=16)
    assert mover.hand_over() == {}
    assert world.records.owners()[JOB].orchestrator == "two"


def test_a_source_that_starts_nothing_gives_its_ticks_away_only_by_force(tmp_path: Path) -> None:
    world = World(tmp_path)
    mover = world.mover("one", "two")
    mover.begin()
    world.two.is_deployed = True
    for _ in range(9):
        world.pass_time()
    mover.announce()
    world.one.starts_ticks = False
    for _ in range(18):
        world.pass_time()
    [reason] = mover.hand_over().values()
    assert reason.startswith("one: it has not started its tick of")
    mover.hand_over(force=True)
    world.pass_time()
    world.pass_time()
    assert mover.hand_over(force=True) == {}
    for _ in range(30):
        world.pass_time()
    assert world.built() == world.ticks(world.built()[-1] + timedelta(seconds=1))
    assert world.two.started


def test_two_people_that_move_a_job_at_once_move_it_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    one, two = world.mover("one", "two"), world.mover("one", "two")
    world.two.is_deployed = True
    for mover in (one, two):
        mover.begin()
    for mover in (one, two):
        mover.announce()
    for _ in range(30):
        world.pass_time()
        one.hand_over()
        two.hand_over()
    owner = world.records.owners()[JOB]
    assert (owner.orchestrator, owner.epoch) == ("two", 2)
    one.require_moved()
    two.follow()
    assert world.built() == world.ticks(world.built()[-1] + timedelta(seconds=1))


def test_a_job_that_only_updates_start_moves_once_no_run_can_just_be_starting(
    tmp_path: Path,
) -> None:
    trigger = UpdateTrigger(on_update="all", ports=("crm/a@1",))
    world = World(tmp_path, job=Job(name=JOB, trigger=trigger))
    world.two.is_deployed = True
    mover = world.mover("one", "two")
    mover.begin()
    mover.announce()
    assert world.records.owners()[JOB].until == world.now
    assert mover.hand_over() == {JOB: "one may just be starting a run"}
    world.now += timedelta(seconds=16)
    assert mover.hand_over() == {}
    assert world.records.owners()[JOB].orchestrator == "two"


def test_a_target_that_was_away_when_it_was_told_has_not_the_job_until_it_is_told_again(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    # As Prefect, which reads the record when a process begins to serve, and when it is told.
    world.two.reads_every = timedelta(days=1)
    world.two.is_deployed = True
    mover = world.mover("one", "two")
    mover.begin()
    mover.announce()
    world.two.look()
    while mover.hand_over():
        world.pass_time()
    world.two.blinks = 1
    with pytest.raises(EnvironmentProblemError, match="does not show its schedule as on yet"):
        mover.follow()
    mover.follow()
    for _ in range(30):
        world.pass_time()
    assert world.two.started
    assert world.built() == world.ticks(world.built()[-1] + timedelta(seconds=1))
