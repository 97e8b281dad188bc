from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from floe_core.schedules import (
    check_timezone,
    is_tick,
    latest_tick,
    next_tick,
    parse_cron,
    ticks_between,
)

VECTORS = [
    json.loads(line)
    for line in (Path(__file__).parent / "vectors" / "ticks.jsonl").read_text("utf-8").splitlines()
]


def local_ticks(cron: str, timezone: str, start: str, days: int) -> list[str]:
    """Return the ticks from local midnight of a day on, as local times with their offset."""
    zone = ZoneInfo(timezone)
    begin = datetime.fromisoformat(start).replace(tzinfo=zone)
    end = datetime.fromisoformat(start).replace(tzinfo=zone) + timedelta(days=days)
    ticks = ticks_between(cron, timezone, begin, end)
    return [tick.astimezone(zone).strftime("%d %H:%M%z") for tick in ticks]


def test_the_vectors_are_whole() -> None:
    assert len(VECTORS) == 280


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v['cron']} {v['timezone']}")
def test_ticks_are_those_of_the_vector(vector: dict[str, object]) -> None:
    cron, timezone = str(vector["cron"]), str(vector["timezone"])
    start, until = (datetime.fromisoformat(str(vector[key])) for key in ("start", "until"))
    assert isinstance(vector["ticks"], list)
    expected = [datetime.fromisoformat(text) for text in vector["ticks"]]
    assert ticks_between(cron, timezone, start, until) == expected


@pytest.mark.parametrize(
    ("cron", "timezone", "start", "days", "expected"),
    [
        pytest.param(
            "0 * * * *",
            "America/New_York",
            "2026-03-08",
            1,
            [f"08 {hour:02}:00-0500" for hour in (0, 1)]
            + [f"08 {hour:02}:00-0400" for hour in range(3, 24)],
            id="every hour follows elapsed time in spring",
        ),
        pytest.param(
            "30 * * * *",
            "America/New_York",
            "2026-11-01",
            1,
            ["01 00:30-0400", "01 01:30-0400"] + [f"01 {hour:02}:30-0500" for hour in range(1, 24)],
            id="every hour follows elapsed time in autumn",
        ),
        pytest.param(
            "0,30 0-2 * * *",
            "Europe/Berlin",
            "2026-03-29",
            1,
            ["29 00:00+0100", "29 00:30+0100", "29 01:00+0100", "29 01:30+0100", "29 03:00+0200"],
            id="all times of a gap tick once together",
        ),
        pytest.param(
            "0 2,3 * * *",
            "Europe/Berlin",
            "2026-03-29",
            1,
            ["29 03:00+0200"],
            id="a gap's tick and a tick at its end are one",
        ),
        pytest.param(
            "0 12 * * *",
            "Pacific/Apia",
            "2011-12-29",
            3,
            ["29 12:00-1000", "31 12:00+1400"],
            id="a day that a date line skips has no tick",
        ),
        pytest.param(
            "30 23 * * *",
            "America/St_Johns",
            "2010-11-06",
            2,
            ["06 23:30-0330", "07 23:30-0330"],
            id="a clock set back past midnight repeats the day before",
        ),
        pytest.param(
            "0 0 * * *",
            "America/St_Johns",
            "2010-11-06",
            2,
            ["06 00:00-0230", "07 00:00-0330"],
            id="a midnight that comes twice ticks at its second time",
        ),
        pytest.param(
            "40 23 * * *",
            "America/Toronto",
            "1919-03-30",
            2,
            ["31 00:30-0400", "31 23:40-0400"],
            id="a gap over midnight ticks on the next day",
        ),
        pytest.param(
            "0 * 1 4 *",
            "Africa/Casablanca",
            "2026-03-31",
            2,
            [f"01 {hour:02}:00+0100" for hour in range(24)],
            id="every hour of one day a year",
        ),
        pytest.param(
            "10 0 * * *",
            "Africa/Monrovia",
            "1972-01-06",
            2,
            ["06 00:10-004430", "07 00:44+0000"],
            id="a gap of 44 minutes and 30 seconds",
        ),
    ],
)
def test_clock_changes(
    cron: str, timezone: str, start: str, days: int, expected: list[str]
) -> None:
    assert local_ticks(cron, timezone, start, days) == expected


def test_every_hour_ticks_in_both_passes_of_a_repeated_half_hour() -> None:
    start = datetime(2026, 4, 4, 14, 0, tzinfo=UTC)
    ticks = ticks_between("37 * * * *", "Australia/Lord_Howe", start, start + timedelta(hours=3))
    assert [f"{tick:%H:%M}" for tick in ticks] == ["14:37", "15:07", "16:07"]


def test_every_minute_ticks_every_minute_while_the_clock_passes_midnight_twice() -> None:
    start = datetime(2010, 11, 7, 1, tzinfo=UTC)
    minutes = [start + timedelta(minutes=n) for n in range(240)]
    assert ticks_between("* * * * *", "America/St_Johns", minutes[0], minutes[-1]) == minutes[:-1]
    followed = [next_tick("* * * * *", "America/St_Johns", minute) for minute in minutes[:-1]]
    assert followed == minutes[1:]
    assert [latest_tick("* * * * *", "America/St_Johns", m) for m in minutes] == minutes


def test_next_is_strictly_after_and_latest_may_be_the_moment_itself() -> None:
    tick = datetime(2026, 7, 1, 5, tzinfo=UTC)
    second = timedelta(seconds=1)
    assert next_tick("0 6 * * *", "Europe/London", tick - second) == tick
    assert next_tick("0 6 * * *", "Europe/London", tick) == tick + timedelta(days=1)
    assert latest_tick("0 6 * * *", "Europe/London", tick) == tick
    assert latest_tick("0 6 * * *", "Europe/London", tick - second) == tick - timedelta(days=1)
    assert is_tick("0 6 * * *", "Europe/London", tick)
    assert not is_tick("0 6 * * *", "Europe/London", tick + second)
    assert not is_tick("0 6 * * *", "Europe/London", tick + timedelta(microseconds=1))


def test_a_span_holds_its_start_and_not_its_end() -> None:
    tick = datetime(2026, 7, 1, tzinfo=UTC)
    assert ticks_between("@daily", "UTC", tick, tick + timedelta(days=1)) == [tick]
    assert ticks_between("@daily", "UTC", tick, tick) == []
    assert ticks_between("@daily", "UTC", tick, tick - timedelta(days=9)) == []


def test_the_29th_of_february_is_found_over_a_century() -> None:
    after = datetime(2096, 3, 1, tzinfo=UTC)
    assert next_tick("0 0 29 2 *", "UTC", after) == datetime(2104, 2, 29, tzinfo=UTC)
    assert latest_tick("0 0 29 2 *", "UTC", datetime(2103, 1, 1, tzinfo=UTC)) == datetime(
        2096, 2, 29, tzinfo=UTC
    )


def test_text_and_what_was_read_of_it_give_the_same() -> None:
    after = datetime(2026, 3, 1, tzinfo=UTC)
    assert next_tick(parse_cron("0 6 * * *"), check_timezone("Asia/Tokyo"), after) == next_tick(
        "0 6 * * *", "Asia/Tokyo", after
    )


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="2026-01-01T00:00:00 has no time zone"):
        next_tick("@daily", "UTC", datetime(2026, 1, 1))


def test_importing_schedules_imports_nothing_heavy() -> None:
    code = (
        "import sys, floe_core.schedules\n"
        "heavy = {'pydantic', 'dbt', 'dagster', 'airflow', 'httpx', 'difflib', 'openlineage'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
