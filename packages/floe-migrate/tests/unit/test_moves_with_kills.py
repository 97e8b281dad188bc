"""Whatever kills a move, each tick runs exactly once, in order."""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from moving_world import EVERY_MINUTE, JOB, SHOP, Killed, World
from own_database import PASSWORD, SERVER, own_database
from steps_of_move import steps

from floe_core.foundation.errors import EnvironmentProblemError, UsageError
from floe_migrate.moving.rolling_back import call_off
from floe_migrate.status import release_claim

# The others take minutes.
SEEDS = [*range(4), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(4, 60))]


def settle(world: World, steps: int = 90) -> None:
    """Let time pass until every tick up to now has been built."""
    for _ in range(steps):
        world.pass_time()
    assert world.built() == world.ticks(world.built()[-1] + timedelta(seconds=1))
    assert world.built()[-1] > world.now - timedelta(minutes=2)


def move(world: World, dies_at: int | None) -> bool:
    """Move the job from one to two; return whether the first attempt lived to its end."""
    lived, attempt = True, steps(world.mover("one", "two", dies_at))
    while True:
        world.pass_time()
        try:
            next(attempt)
        except StopIteration:
            return lived
        except Killed:
            lived = False
            for _ in range(9):
                world.pass_time()
            attempt = steps(world.mover("one", "two"))


def test_a_kill_at_any_look_at_the_store_leaves_one_owner_of_each_tick(tmp_path: Path) -> None:
    for number in range(1, 200):
        world = World(tmp_path / str(number), chance=random.Random(number))
        world.two.is_deployed = True
        world.mover("one", "two").begin()
        lived = move(world, number)
        owner = world.records.owners()[JOB]
        assert (owner.orchestrator, owner.epoch, owner.next) == ("two", 2, "")
        settle(world, 24)
        assert {run.run_id[:3] for run in world.two.started} == {"two"}
        if lived:
            assert number > 10
            return
    pytest.fail("a move looks at the store more often than it should")


@pytest.mark.long
@pytest.mark.parametrize("number", [1, 4, 7, 10, 200])
def test_a_kill_leaves_one_owner_of_each_tick_with_records_in_postgres(
    tmp_path: Path, number: int
) -> None:
    with own_database() as database:
        place = f"{SERVER['user']}:{PASSWORD}@{SERVER['host']}:{SERVER['port']}/{database}"
        world = World(tmp_path, chance=random.Random(number), store=f"postgresql://{place}")
        world.two.is_deployed = True
        world.mover("one", "two").begin()
        assert move(world, number) == (number == 200)
        owner = world.records.owners()[JOB]
        assert (owner.orchestrator, owner.epoch, owner.next) == ("two", 2, "")
        settle(world, 24)
        assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("catchup", [True, False])
@pytest.mark.parametrize("begun", range(0, 120, 10))
def test_a_source_that_reads_its_record_late_runs_a_tick_without_a_claim_once(
    tmp_path: Path, begun: int, catchup: bool
) -> None:
    schedule = EVERY_MINUTE.model_copy(update={"catchup": catchup})
    world = World(tmp_path, job=SHOP.model_copy(update={"schedule": schedule}))
    world.one.reads_every = timedelta(seconds=50)
    for _ in range(begun // 10):
        world.pass_time()
    world.mover("one", "two").begin()
    world.two.is_deployed = True
    attempt = steps(world.mover("one", "two"))
    for _ in range(60):
        world.pass_time()
        if next(attempt, "moved") == "moved":
            break
    assert world.records.owners()[JOB].orchestrator == "two"
    settle(world)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_history_of_moves_runs_each_tick_exactly_once(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    world = World(tmp_path, chance=chance)
    world.mover("one", "two").begin()
    world.two.is_deployed = True
    world.two.skew = timedelta(seconds=chance.randint(-95, 95))
    for side in (world.one, world.two):
        side.reads_every = timedelta(seconds=chance.choice([0, 50]))
    pair, attempt, moves = ("one", "two"), None, 0
    for _ in range(200):
        for side in (world.one, world.two):
            side.lasts = timedelta(seconds=chance.choice([5, 20, 45, 90]))
            side.is_up = chance.random() > (0.02 if side.is_up else 0.7)
            side.blinks = int(chance.random() < 0.1)
        world.pass_time()
        if attempt is None or chance.random() < 0.05:
            attempt = steps(world.mover(*pair))
        try:
            next(attempt)
            if chance.random() < 0.02:
                call_off(world.records, [JOB], world.now, lambda text: None)
        except StopIteration:
            pair, attempt, moves = (pair[1], pair[0]), None, moves + 1
        except (EnvironmentProblemError, UsageError):
            attempt = None
    world.one.is_up = world.two.is_up = True
    world.one.lasts = world.two.lasts = timedelta(seconds=5)
    call_off(world.records, [JOB], world.now, lambda text: None)
    settle(world)
    assert moves > 0


def test_a_source_that_is_gone_gives_its_unclaimed_ticks_away(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.mover("one", "two").begin()
    world.two.is_deployed = True
    for _ in range(20):
        world.pass_time()
    world.mover("one", "two").announce()
    world.one.is_up = False
    for _ in range(20):
        world.pass_time()
    assert world.mover("one", "two").hand_over() == {JOB: "one does not respond"}
    assert world.mover("one", "two").hand_over(force=True) == {}
    settle(world)


@pytest.mark.parametrize("seed", range(12))
def test_a_move_by_force_past_kills_runs_each_tick_once_also_if_the_source_comes_back(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    world = World(tmp_path, chance=chance)
    for _ in range(chance.randrange(30)):
        world.pass_time()
    world.mover("one", "two").begin()
    world.two.is_deployed = True
    for _ in range(chance.randrange(30)):
        world.pass_time()
    world.one.is_up = False
    for _ in range(chance.randrange(60)):
        world.pass_time()
    while world.records.owners()[JOB].orchestrator == "one":
        mover = world.mover("one", "two", dies_at=chance.randint(1, 12))
        with suppress(Killed):
            mover.announce()
            world.one.is_up = chance.random() < 0.2
            mover.hand_over(force=True)
        world.pass_time()
    world.one.is_up = True
    settle(world)


def test_a_released_tick_whose_run_is_gone_is_built_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.mover("one", "two").begin()
    world.two.is_deployed = True
    assert move(world, None)
    while not world.two.started:
        world.pass_time()
    tick = world.two.started[0].nominal_time
    assert tick
    with pytest.raises(UsageError, match="is claimed by run two-0 on two, which is running"):
        release_claim(world.records, world, JOB, tick)  # type: ignore[arg-type]
    world.two.started.clear()
    assert release_claim(world.records, world, JOB, tick).run == "two-0"  # type: ignore[arg-type]
    settle(world)


@pytest.mark.parametrize("is_retry", [False, True])
def test_a_tick_that_was_built_is_not_released(tmp_path: Path, is_retry: bool) -> None:
    world = World(tmp_path)
    world.mover("one", "two").begin()
    while not world.records.claims(JOB):
        world.pass_time()
    if is_retry:
        world.one.retry(timedelta(seconds=10))
    world.now += timedelta(minutes=1)
    [tick] = claims = world.records.claims(JOB)
    with pytest.raises(UsageError) as caught:
        release_claim(world.records, world, JOB, tick)  # type: ignore[arg-type]
    assert str(caught.value) == (
        f"the tick {tick.isoformat()} of job 'shop' was built by run one-0 on one, which "
        "succeeded; to build it again, run the job by hand"
    )
    assert world.records.claims(JOB) == claims


def test_a_target_that_does_not_have_the_job_stops_a_move_before_it_is_announced(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    mover = world.mover("one", "two")
    mover.begin()
    with pytest.raises(EnvironmentProblemError) as caught:
        mover.check_target()
    assert str(caught.value) == (
        "two does not respond, or does not have job 'shop' of shop; deploy it there, and apply "
        "again: two starts nothing until then"
    )
    assert world.records.owners()[JOB].until is None


def test_another_move_that_is_under_way_is_refused(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.mover("one", "two").begin()
    world.mover("one", "two").announce()
    with pytest.raises(UsageError) as caught:
        world.mover("two", "one").announce()
    assert str(caught.value) == (
        "a move of job 'shop' from one to two is under way; finish it with `floe migrate apply "
        "--to two`, or end it with `floe migrate rollback`"
    )
