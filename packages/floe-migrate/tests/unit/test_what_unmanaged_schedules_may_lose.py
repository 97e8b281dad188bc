"""What a move from or to a schedule of others may lose or run twice, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from unmanaged_world import JOB, OLD, Rules, UnmanagedWorld

from floe_core.foundation.errors import EnvironmentProblemError, UsageError
from floe_core.plugin_api.unmanaged_schedules import ScheduleState
from floe_core.schemas.policies import Job, Schedule
from floe_migrate.moving.handing_back import keep
from floe_migrate.planning.unmanaged import before_handing_back, before_taking_over
from floe_migrate.sides.side import UnmanagedSide


def after(folder: Path, rules: Rules = "airflow", minutes: int = 4) -> UnmanagedWorld:
    world = UnmanagedWorld(folder, rules)
    for _ in range(30 * minutes):
        world.pass_time()
    return world


def paused(world: UnmanagedWorld) -> None:
    """Begin a move, up to the pause."""
    mover = world.to_two()
    mover.begin()
    for _ in range(60):
        mover.hand_over()
        if not world.old.is_enabled:
            return
        world.pass_time()
    raise AssertionError("it is not paused")


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Schedule(cron="* * * * *", catchup=True), {"schedule": "ok", "ticks": "ok"}),
        (Schedule(cron="*/2 * * * *"), {"schedule": "unknown", "ticks": "unknown"}),
        (
            Schedule(cron="* * * * *", timezone="Europe/Rome"),
            {"schedule": "unknown", "ticks": "ok"},
        ),
        (Schedule(cron="* * * * *", enabled=False), {"schedule": "loss", "ticks": "ok"}),
        (None, {"schedule": "loss", "ticks": "ok"}),
    ],
)
def test_a_schedule_is_compared_by_its_text_and_its_ticks(
    tmp_path: Path, schedule: Schedule | None, expected: dict[str, str]
) -> None:
    world = after(tmp_path)
    for _ in range(20):
        world.pass_time()
    side = UnmanagedSide(OLD, world.old)
    found = before_taking_over(side, Job(name=JOB, schedule=schedule))
    assert {each.code: each.kind for each in found if each.code != "runs"} == expected


def test_the_same_ticks_in_other_words_are_the_same_schedule(tmp_path: Path) -> None:
    world = after(tmp_path)
    job = Job(name=JOB, schedule=Schedule(cron="*/1 * * * *"))
    found = list(before_taking_over(UnmanagedSide(OLD, world.old), job))
    assert found[0].kind == "ok"


def test_an_orchestrator_that_is_away_is_unknown(tmp_path: Path) -> None:
    world = after(tmp_path)
    world.old.is_up = False
    [found] = before_taking_over(UnmanagedSide(OLD, world.old), world.job)
    assert (found.code, found.kind, found.what) == ("source", "unknown", "old does not respond")


def test_catchup_and_runs_by_hand_speak_against_the_way_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = after(tmp_path)
    mover = world.to_two()
    mover.begin()
    while mover.hand_over():
        world.pass_time()
    owner = world.records.owners()[JOB]
    side = UnmanagedSide(OLD, world.old)
    assert {each.kind for each in before_handing_back(side, world.job, owner)} == {"ok"}
    by_hand = replace(world.old.started[-1], run_id="by-hand", nominal_time=None)
    world.old.started.append(replace(by_hand, created_at=world.now + timedelta(minutes=1)))
    with_catchup = replace(world.old.state(), catchup=True)
    monkeypatch.setattr(world.old, "state", lambda: with_catchup)
    found = {each.code: each.kind for each in before_handing_back(side, world.job, owner)}
    assert found == {"schedule": "ok", "catchup": "loss", "by-hand": "unknown"}


@pytest.mark.parametrize(("rules", "lost"), [("airflow", 2), ("dagster", 3)])
def test_a_move_that_is_called_off_late_leaves_a_gap_only_if_that_is_accepted(
    tmp_path: Path, rules: Rules, lost: int
) -> None:
    world = after(tmp_path, rules)
    paused(world)
    ran = max(tick for tick in world.built())
    while world.now < ran + timedelta(minutes=3, seconds=30):
        world.now += timedelta(seconds=2)
    side = UnmanagedSide(OLD, world.old)
    with pytest.raises(UsageError) as caught:
        keep(world.records, side, JOB, accepts_gap=False)
    first = (ran + timedelta(minutes=1)).isoformat()
    last = (ran + timedelta(minutes=lost)).isoformat()
    assert str(caught.value) == (
        f"old:nightly would not start {lost} ticks, {first} to {last}; finish the move with `floe "
        "migrate apply`, so that two runs them late, or lose them with --accept gap"
    )
    assert not world.old.is_enabled
    keep(world.records, side, JOB, accepts_gap=True)
    assert world.old.is_enabled


def test_a_move_that_is_called_off_at_once_loses_nothing(tmp_path: Path) -> None:
    world = after(tmp_path, "dagster")
    paused(world)
    keep(world.records, UnmanagedSide(OLD, world.old), JOB, accepts_gap=False)
    for _ in range(90):
        world.pass_time()
    assert world.built() == world.expected()


def test_a_schedule_that_runs_beside_floe_is_not_resumed(tmp_path: Path) -> None:
    world = after(tmp_path)
    mover = world.to_two()
    mover.begin()
    while mover.hand_over():
        world.pass_time()
    world.old.is_enabled = True
    with pytest.raises(EnvironmentProblemError) as caught:
        world.to_old().check_target()
    assert str(caught.value) == (
        "old:nightly is not paused, so it starts ticks of job 'shop' that two runs as well; pause "
        "it first"
    )


def test_ticks_that_were_missed_long_before_the_pause_stay_missed(tmp_path: Path) -> None:
    from floe_migrate.moving.taking_over import first_tick

    world = UnmanagedWorld(tmp_path, "airflow")
    now, minute = world.now, timedelta(minutes=1)
    old = ScheduleState(is_enabled=False, last_tick=now - 60 * minute)
    assert first_tick(world.job, old, now, now) == world.start - 10 * minute + minute / 2
    catching_up = replace(old, catchup=True)
    assert first_tick(world.job, catching_up, now, now) == world.start - 59 * minute - minute / 2
    never_ran = ScheduleState(is_enabled=False)
    assert first_tick(world.job, never_ran, now, now) == world.start + minute / 2


def test_a_source_that_is_gone_gives_its_ticks_away_only_by_force(tmp_path: Path) -> None:
    world = after(tmp_path)
    mover = world.to_two()
    mover.begin()
    world.old.is_up = False
    assert mover.hand_over() == {JOB: "old does not respond"}
    assert mover.hand_over(force=True) == {}
    owner = world.records.owners()[JOB]
    assert (owner.orchestrator, owner.first_tick > world.now) == ("two", True)


@pytest.mark.parametrize("rules", ["airflow", "dagster"])
def test_a_schedule_is_resumed_by_force_when_floes_orchestrator_is_gone(
    tmp_path: Path, rules: Rules
) -> None:
    world = after(tmp_path, rules)
    mover = world.to_two()
    mover.begin()
    while mover.hand_over():
        world.pass_time()
    for _ in range(60):
        world.pass_time()
    world.two.is_up = False
    for _ in range(100):
        world.pass_time()
    back = world.to_old()
    back.announce()
    assert list(back.hand_over()) == [JOB]
    for _ in range(60):
        if not back.hand_over(force=True):
            break
        world.pass_time()
    assert world.old.is_enabled
    for _ in range(90):
        world.pass_time()
    built = world.built()
    assert len(built) == len(set(built))
    lost = [tick for tick in world.expected() if tick not in built]
    [told] = {text for text in world.told if "have no run" in text}
    assert all(each.isoformat() in told for each in (lost[0], lost[-1]))
