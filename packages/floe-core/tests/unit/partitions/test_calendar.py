"""The calendar of partitions, beside a walk through the minutes and days that knows nothing of it."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from floe_core.partitions.calendar import (
    Partition,
    due_partitions,
    first_partition,
    partition_at,
    partition_of_key,
    partitions_between,
    partitions_of_tick,
)
from floe_core.schemas.partitions import Partitions

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
ZONES = [
    *("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "America/Santiago"),
    *("America/Havana", "Pacific/Auckland", "Africa/Casablanca", "America/Nuuk"),
]
# (zone, first day): periods with a clock change, one at midnight among them, and a leap day.
WALKS = [
    ("UTC", date(2024, 2, 27)),
    ("Europe/Berlin", date(2026, 3, 27)),
    ("Europe/Berlin", date(2026, 10, 23)),
    ("America/Santiago", date(2026, 4, 3)),
    ("America/Santiago", date(2026, 9, 4)),
    ("America/Havana", date(2026, 10, 30)),
    ("Australia/Lord_Howe", date(2026, 10, 2)),
]


def walk_minutes(zone: str, first: date, days: int) -> Iterator[tuple[datetime, datetime]]:
    """Yield each minute of a few days as UTC and as wall time; it begins well before them."""
    moment = datetime(first.year, first.month, first.day, tzinfo=UTC) - DAY
    for _ in range((days + 3) * 1440):
        yield moment, moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        moment += MINUTE


def days_by_walking(zone: str, first: date, days: int) -> list[tuple[str, datetime]]:
    """Return each day with the first minute whose wall clock shows it."""
    begun: dict[date, datetime] = {}
    for moment, wall in walk_minutes(zone, first, days):
        begun.setdefault(wall.date(), moment)
    wanted = [first + DAY * number for number in range(days)]
    return [(day.isoformat(), begun[day]) for day in wanted]


@pytest.mark.parametrize(("zone", "first"), WALKS)
def test_days_begin_with_the_first_minute_that_shows_them(zone: str, first: date) -> None:
    declaration = Partitions(by="day", start=first.isoformat(), timezone=zone)
    walked = days_by_walking(zone, first, 7)
    end = walked[-1][1]
    found = partitions_between(declaration, walked[0][1] - DAY, end)
    assert [(each.key, each.start) for each in found] == walked[:-1]
    assert [each.end for each in found] == [start for _, start in walked[1:]]


@pytest.mark.parametrize(("zone", "first"), WALKS)
def test_every_minute_is_in_the_partition_of_its_day(zone: str, first: date) -> None:
    declaration = Partitions(by="day", start=first.isoformat(), timezone=zone)
    latest = first
    for moment, wall in list(walk_minutes(zone, first, 7))[::7]:
        # A day that has begun stays begun, though a clock set back shows the day before.
        latest = max(latest, wall.date())
        found = partition_at(declaration, moment)
        if wall.date() < first and latest == first:
            assert found is None
        else:
            assert found is not None
            assert found.key == latest.isoformat()


@pytest.mark.parametrize(("zone", "first"), WALKS)
def test_every_hour_has_sixty_minutes_and_a_key_of_its_own(zone: str, first: date) -> None:
    declaration = Partitions(by="hour", start=first.isoformat(), timezone=zone)
    begin = dict(days_by_walking(zone, first, 1))[first.isoformat()]
    found = partitions_between(declaration, begin, begin + 6 * DAY)
    assert [each.start for each in found] == [begin + timedelta(hours=n) for n in range(144)]
    assert {each.end - each.start for each in found} == {timedelta(hours=1)}
    assert len({each.key for each in found}) == 144
    for each in found:
        wall = each.start.astimezone(ZoneInfo(zone))
        assert each.key.startswith(f"{wall:%Y-%m-%d-%H:%M}")
        assert partition_of_key(declaration, each.key) == each


def test_an_hour_that_comes_twice_has_its_offset_in_the_second_key() -> None:
    declaration = Partitions(by="hour", start="2026-10-25", timezone="Europe/Berlin")
    found = partitions_between(
        declaration, datetime(2026, 10, 25, tzinfo=UTC), datetime(2026, 10, 25, 3, tzinfo=UTC)
    )
    assert [each.key for each in found] == [
        "2026-10-25-02:00",
        "2026-10-25-02:00+0100",
        "2026-10-25-03:00",
    ]


def months_by_walking(first: date, count: int) -> list[str]:
    """Return the months whose first days come next."""
    found, day = [], first
    while len(found) < count:
        if day.day == 1:
            found.append(day.isoformat()[:7])
        day += DAY
    return found


def test_months_and_weeks_by_walking_through_the_days() -> None:
    monday, first = date(2023, 12, 25), date(2023, 12, 1)
    months = Partitions(by="month", start=first.isoformat())
    weeks = Partitions(by="week", start=monday.isoformat())
    end = datetime(2029, 1, 1, tzinfo=UTC)
    found = due_partitions(months, end)
    assert [each.key for each in found] == months_by_walking(first, len(found))
    assert len(found) == 61
    assert {(each.end - each.start).days for each in found} == {28, 29, 30, 31}
    found = due_partitions(weeks, end)
    mondays = [monday + DAY * n for n in range(2000) if (monday + DAY * n).isoweekday() == 1]
    assert [each.key for each in found] == [day.isoformat() for day in mondays[: len(found)]]
    assert found[-1].end <= end < found[-1].end + 7 * DAY


def replayed_tick(
    everything: list[Partition], tick: datetime, builds: str, lookback: int
) -> list[Partition]:
    """Return what a tick builds, said of the list of all partitions."""
    over = [each for each in everything if each.end <= tick]
    begun = [each for each in everything if each.start <= tick]
    return (over if builds == "previous" else begun)[-1 - lookback :]


@pytest.mark.parametrize("seed", range(40))
def test_what_a_tick_builds_is_the_end_of_the_list(seed: int) -> None:
    chance = random.Random(seed)
    by = chance.choice(["hour", "day", "week", "month"])
    start = {"week": "2026-02-02", "month": "2026-02-01"}.get(by, f"2026-03-{seed % 20 + 1:02}")
    builds = chance.choice(["previous", "current"])
    declaration = Partitions(
        by=by,  # type: ignore[arg-type]
        start=start,
        timezone=chance.choice(ZONES),
        builds=builds,  # type: ignore[arg-type]
        lookback=chance.choice([0, 1, 3, 40]),
    )
    begin = first_partition(declaration).start
    end = begin + timedelta(days=12 if by == "hour" else 400)
    everything = list(partitions_between(declaration, begin, end))
    edges = [each.start for each in everything]
    for _ in range(60):
        # Near an edge more often than not; sometimes before the first partition.
        tick = chance.choice(edges[:-1]) + chance.choice([-1, 0, 1, 599]) * timedelta(seconds=1)
        expected = replayed_tick(everything, tick, builds, declaration.lookback)
        assert list(partitions_of_tick(declaration, tick)) == expected
    assert partitions_of_tick(declaration, begin - 3 * DAY) == ()


def test_partitions_follow_each_other_without_gaps_in_every_zone() -> None:
    for zone in ZONES:
        for by, start in (("day", "2025-01-01"), ("week", "2025-01-06"), ("month", "2025-01-01")):
            declaration = Partitions(by=by, start=start, timezone=zone)  # type: ignore[arg-type]
            found = due_partitions(declaration, datetime(2030, 1, 1, tzinfo=UTC))
            for one, other in pairwise(found):
                assert one.end == other.start
                assert partition_of_key(declaration, one.key) == one
                assert partition_at(declaration, one.start) == one
                assert partition_at(declaration, one.end - MINUTE) == one


def test_a_day_that_a_zone_skipped_is_no_partition() -> None:
    declaration = Partitions(by="day", start="2011-12-28", timezone="Pacific/Apia")
    found = due_partitions(declaration, datetime(2012, 1, 2, tzinfo=UTC))
    assert [each.key for each in found] == ["2011-12-28", "2011-12-29", "2011-12-31", "2012-01-01"]
    with pytest.raises(ValueError, match="there is no partition 2011-12-30"):
        partition_of_key(declaration, "2011-12-30")


@pytest.mark.parametrize(
    ("by", "start", "key", "why"),
    [
        ("day", "2026-01-01", "2026-02-30", "'2026-02-30' is no partition: a day is written 2026-"),
        ("day", "2026-01-01", "2026-1-5", "there is no partition 2026-1-5; a day is written 2026-"),
        ("day", "2026-01-01", "2025-12-31", "2025-12-31 is before the first partition, 2026-01-01"),
        ("week", "2026-01-05", "2026-01-06", "there is no partition 2026-01-06; a week is written"),
        ("month", "2026-01-01", "2026-01-01", "'2026-01-01' is no partition: a month is written"),
        ("hour", "2026-01-01", "2026-01-01", "'2026-01-01' is no partition: an hour is written"),
        ("hour", "2026-01-01", "2026-01-01-05:30", "there is no partition 2026-01-01-05:30; an ho"),
    ],
)
def test_a_key_that_is_none_is_refused_with_how_keys_are_written(
    by: str, start: str, key: str, why: str
) -> None:
    declaration = Partitions(by=by, start=start)  # type: ignore[arg-type]
    with pytest.raises(ValueError) as refused:
        partition_of_key(declaration, key)
    assert str(refused.value).startswith(why)


def test_an_hour_that_the_clock_skips_is_no_partition() -> None:
    declaration = Partitions(by="hour", start="2026-03-01", timezone="Europe/Berlin")
    with pytest.raises(ValueError, match="there is no partition 2026-03-29-02:00"):
        partition_of_key(declaration, "2026-03-29-02:00")


def test_ten_thousand_partitions_take_well_below_a_second() -> None:
    declaration = Partitions(by="day", start="2000-01-01", timezone="Europe/Berlin")
    begun = time.process_time()
    found = due_partitions(declaration, datetime(2027, 6, 1, tzinfo=UTC))
    assert len(found) > 10_000
    assert time.process_time() - begun < 1
