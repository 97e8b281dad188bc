"""Which deadlines were missed, held against a walk over the minutes of histories of runs.

The walk knows nothing of floe's ticks: it looks at a wall clock minute by minute.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from floe_core.alerts.lateness import GreenRuns, deadline_met, missed_deadline
from floe_core.schemas.policies import Deadline, Schedule

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
# Zone -> days on which its clock changes in 2026, or one that is like any other.
CHANGES = {
    "UTC": [date(2026, 5, 6)],
    "Europe/London": [date(2026, 3, 29), date(2026, 10, 25)],
    "America/New_York": [date(2026, 3, 8), date(2026, 11, 1)],
    "Australia/Lord_Howe": [date(2026, 4, 5), date(2026, 10, 4)],
    "Africa/Cairo": [date(2026, 4, 24), date(2026, 10, 30)],
}
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Run:
    """A green run of the whole job."""

    end: datetime
    nominal_time: datetime | None


@cache
def walls(zone: str, middle: date) -> list[tuple[datetime, datetime]]:
    """Return each minute of the nine days around a day, in UTC, with what a clock shows there."""
    start = datetime(middle.year, middle.month, middle.day, tzinfo=UTC) - 4 * DAY
    minutes = (start + number * MINUTE for number in range(9 * 24 * 60))
    return [(m, m.astimezone(ZoneInfo(zone)).replace(tzinfo=None)) for m in minutes]


@cache
def moments(zone: str, middle: date, time: str, weekdays: str = "0123456") -> list[datetime]:
    """Return when a clock shows a time: the last time that it does on a day, or passes it."""
    hours, minutes = (int(part) for part in time.split(":"))
    found = []
    for number in range(-3, 4):
        day = middle + number * DAY
        wanted = datetime(day.year, day.month, day.day, hours, minutes)
        shown = [m for m, wall in walls(zone, middle) if wall == wanted]
        passed = [m for m, wall in walls(zone, middle) if wall > wanted]
        if str(day.weekday()) in weekdays:
            found.append(shown[-1] if shown else passed[0])
    return found


def walk(
    deadlines: list[datetime],
    ticks: list[datetime] | None,
    runs: list[Run],
    now: datetime,
    since: datetime,
) -> datetime | None:
    """Return the last deadline up to `now` that no run was in time for."""
    passed = [moment for moment in deadlines if moment <= now]
    before, last = passed[-2], passed[-1]
    in_time = [
        run
        for run in runs
        if before < run.end <= last and (run.nominal_time is None or run.nominal_time >= before)
    ]
    is_expected = ticks is None or any(before <= tick < last for tick in ticks)
    return last if is_expected and not in_time and last >= since else None


def histories() -> Iterator[tuple[str, date, str, random.Random]]:
    for zone, days in CHANGES.items():
        for day in days:
            for time in ("00:00", "00:30", "01:30", "01:59", "02:15", "02:30", "07:30", "23:59"):
                yield zone, day, time, random.Random(f"{zone} {day} {time}")


def random_runs(chance: random.Random, now: datetime, ticks: list[datetime]) -> list[Run]:
    """Return runs that ended before `now`, for ticks, for other times, or by hand."""
    runs = []
    for _ in range(chance.randrange(7)):
        end = now - timedelta(minutes=chance.randrange(4 * 24 * 60))
        before = [tick for tick in ticks if tick <= end]
        nominal = chance.choice([None, before[-1] if before else None, end - 2 * DAY, end])
        runs.append(Run(end, nominal))
    return runs


def known(runs: list[Run], deadline: Deadline) -> GreenRuns:
    found = GreenRuns()
    for run in runs:
        found = found.after(run.end, run.nominal_time, deadline)
    return found


@pytest.mark.long
@pytest.mark.parametrize("weekdays", ["none", "0123456", "14", "6"])
def test_a_missed_deadline_is_the_one_that_a_walk_finds(weekdays: str) -> None:
    count = missed = 0
    for zone, day, time, chance in histories():
        deadline = Deadline(time=time, timezone=zone)
        deadlines = moments(zone, day, time)
        for _ in range(12):
            at = f"{chance.randrange(24):02}:{chance.choice([0, 30]):02}"
            schedule, ticks = None, None
            if weekdays != "none":
                hours, minutes = at.split(":")
                # A walk counts days from Monday, cron from Sunday.
                names = ",".join(str((int(each) + 1) % 7) for each in weekdays)
                which = "*" if weekdays == "0123456" else names
                cron = f"{int(minutes)} {int(hours)} * * {which}"
                schedule = Schedule(cron=cron, timezone=zone)
                ticks = moments(zone, day, at, weekdays)
            now = deadlines[3] + timedelta(minutes=chance.randrange(-26 * 60, 26 * 60))
            runs = random_runs(chance, now, ticks or [])
            since = chance.choice([LONG_AGO, LONG_AGO, now - timedelta(hours=20)])
            expected = walk(deadlines, ticks, runs, now, since)
            got = missed_deadline(deadline, schedule, known(runs, deadline), now, since)
            assert got == expected, (zone, day, time, schedule, runs, now)
            count += 1
            missed += expected is not None
    assert count == 9 * 8 * 12
    assert count / 40 < missed < count * 39 / 40


def test_a_run_that_is_in_time_to_the_second_is_in_time() -> None:
    deadline = Deadline(time="07:30")
    moment = datetime(2026, 5, 6, 7, 30, tzinfo=UTC)
    assert deadline_met(deadline, moment, None) == moment
    assert deadline_met(deadline, moment + timedelta(seconds=1), None) == moment + DAY


def test_a_run_that_was_late_yesterday_is_not_in_time_today() -> None:
    deadline, tick = Deadline(time="07:30"), datetime(2026, 5, 6, 6, tzinfo=UTC)
    late = GreenRuns().after(tick + timedelta(hours=2), tick, deadline)
    schedule = Schedule(cron="0 6 * * *")
    next_day = datetime(2026, 5, 7, 8, tzinfo=UTC)
    missed = missed_deadline(deadline, schedule, late, next_day, LONG_AGO)
    assert missed == datetime(2026, 5, 7, 7, 30, tzinfo=UTC)


def test_a_run_that_met_a_deadline_before_it_was_changed_meets_the_new_one() -> None:
    end = datetime(2026, 5, 6, 7, tzinfo=UTC)
    runs = GreenRuns().after(end, None, Deadline(time="07:30"))
    now = datetime(2026, 5, 6, 9, tzinfo=UTC)
    assert missed_deadline(Deadline(time="08:00"), None, runs, now, LONG_AGO) is None
    earlier = missed_deadline(Deadline(time="06:30"), None, runs, now, LONG_AGO)
    assert earlier == datetime(2026, 5, 6, 6, 30, tzinfo=UTC)


def test_a_schedule_that_is_off_or_was_set_later_misses_nothing() -> None:
    deadline, now = Deadline(time="07:30"), datetime(2026, 5, 6, 9, tzinfo=UTC)
    off = Schedule(cron="0 6 * * *", enabled=False)
    later = Schedule(cron="0 6 * * *", since=datetime(2026, 5, 6, 6, 30, tzinfo=UTC))
    for schedule in (off, later):
        assert missed_deadline(deadline, schedule, GreenRuns(), now, LONG_AGO) is None


def test_deadlines_met_are_kept_for_longer_than_nobody_looks() -> None:
    deadline, first = Deadline(time="07:30"), datetime(2026, 5, 1, 7, tzinfo=UTC)
    runs = known([Run(first + number * DAY, None) for number in range(30)], deadline)
    assert len(runs.met) == 10
    assert max(runs.met) == datetime(2026, 5, 30, 7, 30, tzinfo=UTC)
