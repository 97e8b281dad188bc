"""Who starts a job that two orchestrators have, and the one claim of each tick."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from own_database import PASSWORD, SERVER, own_database
from small_artifacts import small_product

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.schedules import claims as claims_module
from floe_core.schedules.claims import Claim, claim_tick, claims_of, late_ticks, release
from floe_core.schedules.job_schedules import JobSchedules
from floe_core.schedules.live_schedules import with_live_schedules
from floe_core.schedules.ownership import (
    TO_TAKE_OVER,
    begin_move,
    call_off_move,
    end_move,
    first_owner,
    runs_tick,
    starts_by_itself,
)
from floe_core.schedules.schedule_store import ScheduleStore
from floe_core.schemas.compiled_artifacts import CompiledArtifacts, OrchestratorChoice
from floe_core.schemas.policies import Job, Schedule
from floe_core.schemas.ports import UpdateTrigger
from floe_core.storage.shared_text import FileText

TICK = datetime(2026, 11, 30, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def shop_on(orchestrator: str, folder: Path, **settings: str) -> CompiledArtifacts:
    """Return the product `shop`, compiled for an orchestrator: one job with ticks and updates."""
    trigger = UpdateTrigger(on_update="all", ports=("crm/a@1",))
    job = Job(name="shop", schedule=Schedule(cron="* * * * *"), trigger=trigger)
    choice = OrchestratorChoice(name=orchestrator, config=settings)
    return small_product(name="shop", orchestrator=choice, jobs=(job,)).bound_to(folder)


def own(artifacts: CompiledArtifacts, owner) -> None:
    schedules = JobSchedules(artifacts)
    before = schedules.live("shop").owner
    assert schedules.change_owner("shop", before, owner)


def test_each_side_runs_its_ticks_in_each_step_of_a_move():
    first = first_owner("here")
    moving = begin_move(first, "there", TICK)
    moved = end_move(moving, TICK + MINUTE)
    ran = {
        name: [(runs_tick(owner, side, at) == "") for side in ("here", "there") for at in around]
        for around in [(TICK - MINUTE, TICK)]
        for name, owner in (("none", None), ("first", first), ("moving", moving), ("moved", moved))
    }
    assert ran == {
        "none": [True, True, True, True],
        "first": [True, True, False, False],
        "moving": [True, False, False, False],
        "moved": [False, False, False, True],
    }
    assert (moved.epoch, moved.orchestrator, moved.first_tick) == (2, "there", TICK)
    assert [bool(starts_by_itself(owner, "here")) for owner in (None, first, moving, moved)] == [
        False,
        False,
        True,
        True,
    ]


def test_the_reasons_name_who_runs_it():
    moving = begin_move(first_owner("here"), "there", TICK)
    moved = end_move(moving, TICK)
    at = TICK.isoformat()
    assert runs_tick(moving, "here", TICK) == f"from {at} on, there runs it"
    assert runs_tick(moved, "here", TICK) == "there runs it, since move 2"
    assert runs_tick(moved, "there", TICK - MINUTE) == (
        f"2026-11-30T08:59:00+00:00 was before it moved here, at {at}"
    )
    assert starts_by_itself(moving, "here") == "it is moving to there"
    assert starts_by_itself(moving, "there") == "here runs it, since move 1"


def claimed(*ticks: datetime, epoch: int = 1) -> dict[datetime, Claim]:
    return {tick: Claim(orchestrator="x", epoch=epoch, run="r", at=tick) for tick in ticks}


def test_ticks_that_passed_during_a_move_run_late_and_no_others():
    every = Schedule(cron="* * * * *")
    first = first_owner("here")
    moving, now = begin_move(first, "there", TICK), TICK + 3 * MINUTE
    passed = [TICK + n * MINUTE for n in range(4)]
    for owner in (None, first, moving):
        assert late_ticks(owner, every, {}, now) == []
    moved, back = end_move(moving, now), call_off_move(moving, now)
    assert (back.epoch, back.until, back.next) == (1, None, "")
    for owner in (moved, back):
        done = claimed(passed[0], epoch=owner.epoch)
        assert late_ticks(owner, every, done, now) == passed[1:]
        last = late_ticks(owner, every, done, now + 2 * TO_TAKE_OVER)[-1]
        assert last == now + TO_TAKE_OVER
        later = every.model_copy(update={"since": passed[2]})
        assert late_ticks(owner, later, done, now) == passed[2:]
        assert late_ticks(owner, every.model_copy(update={"enabled": False}), done, now) == []


@pytest.mark.parametrize("catchup", [False, True])
def test_what_an_owner_missed_before_it_hands_over_runs_late(catchup: bool):
    every = Schedule(cron="* * * * *", catchup=catchup)
    before = [TICK - n * MINUTE for n in (4, 3, 2, 1)]
    recorded = first_owner("here").model_copy(update={"late_from": before[1]})
    moving = begin_move(recorded, "there", TICK)
    now = TICK + 3 * MINUTE
    for claims, missed in (
        ({}, before[1:]),
        (claimed(before[1]), before[2:]),
        (claimed(before[3]), []),
    ):
        assert late_ticks(moving, every, claims, now) == (missed if catchup else missed[-1:])
    assert late_ticks(moving, every, claimed(before[1]), before[2]) == [before[2]]


def test_an_owner_that_is_away_after_a_move_runs_all_its_ticks_once_it_is_back():
    every = Schedule(cron="0 * * * *")
    moved = end_move(begin_move(first_owner("here"), "there", TICK), TICK)
    back = TICK + timedelta(hours=5)
    assert late_ticks(moved, every, claimed(TICK - MINUTE), back) == [
        TICK + timedelta(hours=n) for n in range(6)
    ]
    in_time_to_take_over = TICK + timedelta(hours=1)
    assert late_ticks(moved, every, claimed(TICK, epoch=2), back) == [in_time_to_take_over]


def test_a_job_of_another_is_off_here_and_keeps_its_owner(tmp_path):
    here, there = shop_on("here", tmp_path), shop_on("there", tmp_path)
    own(here, begin_move(first_owner("here"), "there", TICK))
    on = [
        (job.schedule.enabled, job.trigger.enabled)
        for job in (with_live_schedules(product).job("shop") for product in (here, there))
        if job.schedule and job.trigger
    ]
    assert on == [(True, False), (False, False)]
    schedules, owner = JobSchedules(there), JobSchedules(there).live("shop").owner
    for change in (
        lambda: schedules.set("shop", "0 6 * * *", "UTC"),
        lambda: schedules.pause("shop"),
        lambda: schedules.resume("shop"),
        lambda: schedules.remove("shop"),
        lambda: schedules.reset("shop"),
    ):
        change()
        assert schedules.live("shop").owner == owner
        assert not schedules.live("shop").starts_itself
    assert schedules.live("shop").schedule.since is None
    assert not schedules.change_owner("shop", None, None)
    assert schedules.change_owner("shop", owner, None)
    assert json.loads((tmp_path / "schedules.json").read_text()) == {"schema_version": "1.0"}


def test_a_file_with_owners_is_of_a_version_that_an_older_floe_refuses(tmp_path):
    own(shop_on("here", tmp_path), first_owner("here"))
    assert json.loads((tmp_path / "schedules.json").read_text())["schema_version"] == "1.1"


def test_a_job_without_an_owner_claims_nothing_and_writes_nothing(tmp_path):
    assert claim_tick(shop_on("here", tmp_path), "shop", TICK, "run-1") == ""
    assert list(tmp_path.iterdir()) == []


def test_a_tick_has_one_run_and_its_retries(tmp_path):
    here, there = shop_on("here", tmp_path), shop_on("there", tmp_path)
    own(here, first_owner("here"))
    taken = "here builds this tick, in run a"
    assert claim_tick(there, "shop", TICK, "a") == "here runs it, since move 1"
    assert [claim_tick(here, "shop", TICK, run) for run in "aab"] == ["", "", taken]
    own(here, end_move(begin_move(first_owner("here"), "there", TICK), TICK))
    assert claim_tick(there, "shop", TICK, "a") == taken
    assert claim_tick(here, "shop", TICK, "a") == ""
    [(tick, claim)] = claims_of(there, "shop").items()
    assert (tick, claim.orchestrator, claim.epoch, claim.run) == (TICK, "here", 1, "a")
    other = claim.model_copy(update={"run": "b"})
    assert [release(here, "shop", TICK, each) for each in (other, claim, claim)] == [
        False,
        True,
        False,
    ]
    assert claim_tick(there, "shop", TICK, "c") == ""


def test_each_environment_builds_a_tick_once(tmp_path):
    """They have their own tables; ticks that were claimed before floe knew this stay claimed."""
    here = shop_on("here", tmp_path)
    own(here, first_owner("here"))
    dev, prod = (
        here.model_copy(update={"environment": name}).bound_to(tmp_path) for name in ("dev", "prod")
    )
    assert claim_tick(here, "shop", TICK - MINUTE, "old") == ""
    assert [claim_tick(each, "shop", TICK, each.environment) for each in (dev, prod)] == ["", ""]
    assert claim_tick(prod, "shop", TICK, "again") == "here builds this tick, in run prod"
    assert claim_tick(dev, "shop", TICK - MINUTE, "dev") == "here builds this tick, in run old"
    assert [*claims_of(dev, "shop")] == [TICK - MINUTE, TICK]
    assert release(dev, "shop", TICK, claims_of(dev, "shop")[TICK])
    assert [*claims_of(prod, "shop")] == [TICK - MINUTE, TICK]


def test_old_claims_are_forgotten_if_they_are_many(tmp_path, monkeypatch):
    monkeypatch.setattr(claims_module, "KEPT", 3)
    here = shop_on("here", tmp_path)
    own(here, first_owner("here"))
    ticks = [TICK + n * MINUTE for n in range(6)]
    for tick in ticks[:5]:
        claim_tick(here, "shop", tick, "run")
    assert list(claims_of(here, "shop")) == ticks[:5]
    text = (tmp_path / "claims.json").read_text()
    year_ago = str(datetime.now(UTC).year - 1)
    (tmp_path / "claims.json").write_text(
        text.replace(f'"at":"{datetime.now(UTC).year}', f'"at":"{year_ago}')
    )
    claim_tick(here, "shop", ticks[5], "run")
    assert list(claims_of(here, "shop")) == ticks[3:]


def test_claims_that_are_damaged_are_an_error_that_names_them(tmp_path):
    here = shop_on("here", tmp_path)
    own(here, first_owner("here"))
    (tmp_path / "claims.json").write_text('{"jobs": {"shop": 1}}')
    with pytest.raises(EnvironmentProblemError) as caught:
        claim_tick(here, "shop", TICK, "a")
    assert str(caught.value) == (
        f"{tmp_path / 'claims.json'} does not hold floe's claims of ticks "
        "(Input should be an object); fix it, or restore it"
    )


# A process that claims a few ticks, each as soon as a line says so, and prints those that it got.
CLAIM = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
sys.path[:] = sys.argv[4].split(":")
from test_ownership import MINUTE, TICK, shop_on
from floe_core.schedules.claims import claim_tick
shop = shop_on("here", Path(sys.argv[1]), schedule_store=sys.argv[2])
print("started", flush=True)
for line in sys.stdin:
    why = claim_tick(shop, "shop", TICK + int(line) * MINUTE, sys.argv[3])
    print(why or "claimed", flush=True)
"""


def claim_at_once(folder: Path, place: str, ticks: int) -> list[list[str]]:
    """Return what two processes that claim the same ticks at the same moments are told."""
    own(shop_on("here", folder, schedule_store=place), first_owner("here"))
    processes = [
        subprocess.Popen(
            [
                sys.executable,
                "-c",
                CLAIM,
                str(folder),
                place,
                run,
                ":".join([str(Path(__file__).parent), *sys.path]),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for run in ("a", "b")
    ]
    told = []
    try:
        for process in processes:
            assert process.stdout.readline() == "started\n"
        for number in range(ticks):
            for process in processes:
                process.stdin.write(f"{number}\n")
                process.stdin.flush()
            told.append([process.stdout.readline().strip() for process in processes])
    finally:
        for process in processes:
            process.stdin.close()
            process.wait(30)
    return told


def check_one_winner(told: list[list[str]], place: str, folder: Path) -> None:
    kept = claims_of(shop_on("here", folder, schedule_store=place), "shop")
    for number, answers in enumerate(told):
        winner = kept[TICK + number * MINUTE].run
        expected = [
            "claimed" if run == winner else f"here builds this tick, in run {winner}"
            for run in ("a", "b")
        ]
        assert answers == expected


def test_of_two_processes_that_claim_a_tick_one_gets_it(tmp_path):
    place = str(tmp_path / "shared")
    Path(place).mkdir()
    check_one_winner(claim_at_once(tmp_path, place, 20), place, tmp_path)
    assert sorted(each.name for each in Path(place).iterdir() if each.suffix == ".json") == [
        "shop.claims.json",
        "shop.schedules.json",
    ]


@pytest.mark.long
def test_of_two_processes_that_claim_a_tick_on_postgres_one_gets_it(tmp_path):
    with own_database() as database:
        host = f"{SERVER['host']}:{SERVER['port']}"
        place = f"postgresql://{SERVER['user']}:{PASSWORD}@{host}/{database}"
        check_one_winner(claim_at_once(tmp_path, place, 20), place, tmp_path)


def test_an_entry_with_an_owner_is_read_as_it_was_written(tmp_path):
    owner = begin_move(first_owner("here"), "there", TICK)
    own(shop_on("here", tmp_path), owner)
    assert ScheduleStore(FileText(tmp_path / "schedules.json")).read()["shop"].owner == owner


def test_a_called_off_move_keeps_the_late_ticks_of_the_move_before_it():
    came = end_move(begin_move(first_owner("there"), "here", TICK), TICK + 5 * MINUTE)
    left = call_off_move(begin_move(came, "there", TICK + 8 * MINUTE), TICK + 9 * MINUTE)
    claimed = {TICK: Claim(orchestrator="here", epoch=2, run="r", at=TICK)}
    assert late_ticks(left, Schedule(cron="* * * * *"), claimed, TICK + 9 * MINUTE) == [
        TICK + number * MINUTE for number in range(1, 10)
    ]
    later = begin_move(came, "there", TICK + 90 * MINUTE)
    assert call_off_move(later, TICK + 91 * MINUTE).late_from == TICK + 90 * MINUTE
