"""A job moves from a schedule of others and back: each tick runs once, whatever kills the move."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from steps_of_move import steps
from unmanaged_world import JOB, OLD, Killed, Rules, UnmanagedWorld

from floe_migrate.moving.mover import Mover

SEEDS = [*range(6), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(6, 60))]
RULES = ["airflow", "dagster", "prefect"]


def move(world: UnmanagedWorld, moves: Callable[[int | None], Mover], dies_at: int | None) -> bool:
    """Move the job; return whether the first attempt lived to its end."""
    lived, attempt = True, steps(moves(dies_at))
    for _ in range(2000):
        world.pass_time()
        try:
            next(attempt)
        except StopIteration:
            return lived
        except Killed:
            lived = False
            for _ in range(world.chance.randint(0, 60)):
                world.pass_time()
            attempt = steps(moves(None))
    raise AssertionError(f"the move does not end: {world.told[-5:]}")


def settle(world: UnmanagedWorld, minutes: int = 4) -> None:
    """Let time pass until every tick up to now has been built."""
    for _ in range(30 * minutes):
        world.pass_time()
    assert max(world.built()) > world.now - timedelta(minutes=2)


@pytest.mark.long
@pytest.mark.parametrize("rules", RULES)
def test_a_kill_at_any_request_runs_each_tick_once_there_and_back(
    tmp_path: Path, rules: Rules
) -> None:
    for number in range(1, 400):
        world = UnmanagedWorld(tmp_path / str(number), rules, chance=random.Random(number))
        settle(world, 2)
        there = move(world, world.to_two, number)
        assert world.records.owners()[JOB].orchestrator == "two"
        settle(world)
        back = move(world, world.to_old, number)
        owner = world.records.owners()[JOB]
        assert (owner.orchestrator, owner.epoch, owner.next) == (OLD, 3, "")
        settle(world)
        assert sorted(world.built()) == world.expected(), (number, world.told)
        assert world.overlaps() == [], (number, world.told)
        if there and back:
            assert world.built() == world.expected()
            assert number > 10
            return
    pytest.fail("a move asks more often than it should")


@pytest.mark.long
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("rules", RULES)
def test_runs_of_any_length_run_each_tick_once(tmp_path: Path, rules: Rules, seed: int) -> None:
    chance = random.Random(seed)
    world = UnmanagedWorld(tmp_path, rules, chance=chance)
    world.old.delay = timedelta(seconds=chance.randint(0, 9))
    for _ in range(3):
        world.old.lasts = timedelta(seconds=chance.randint(2, 45))
        world.two.lasts = timedelta(seconds=chance.randint(2, 35))
        settle(world, 3)
        move(world, world.to_two, chance.choice([None, chance.randint(1, 60)]))
        settle(world, 3)
        move(world, world.to_old, chance.choice([None, chance.randint(1, 60)]))
    settle(world, 3)
    assert sorted(world.built()) == world.expected(), world.told
    assert world.overlaps() == []


def test_a_retry_after_the_pause_lets_the_move_wait_once_more(tmp_path: Path) -> None:
    world = UnmanagedWorld(tmp_path, "dagster", chance=random.Random(0))
    settle(world, 2)
    world.now += timedelta(seconds=30)
    mover, told = world.to_two(), {JOB: f"{OLD} may just be starting a run"}
    mover.begin()
    assert mover.hand_over() == told
    assert mover.hand_over() == told
    last, second = world.old.started[-1], timedelta(seconds=1)
    retry = {"created_at": world.now + second, "ended_at": world.now + 2 * second}
    world.old.started.append(replace(last, run_id="old-again", **retry))
    world.now += timedelta(seconds=16)
    assert mover.hand_over() == told
    world.now += timedelta(seconds=16)
    assert mover.hand_over() == {}
