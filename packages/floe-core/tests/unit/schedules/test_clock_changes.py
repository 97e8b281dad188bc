from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from floe_core.schedules import parse_cron
from floe_core.schedules.clock_changes import clock_changes, effect_on


def changes(zone: str, start: str, end: str) -> list[str]:
    span = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (start, end))
    return [f"{change.at:%m-%dT%H:%M} {change}" for change in clock_changes(ZoneInfo(zone), *span)]


@pytest.mark.parametrize(
    ("zone", "found"),
    [
        ("UTC", []),
        (
            "Europe/London",
            [
                "03-29T01:00 Sun 2026-03-29: clocks go forward from 01:00 to 02:00",
                "10-25T01:00 Sun 2026-10-25: clocks go back from 02:00 to 01:00",
            ],
        ),
        (
            "Australia/Lord_Howe",
            [
                "04-04T15:00 Sun 2026-04-05: clocks go back from 02:00 to 01:30",
                "10-03T15:30 Sun 2026-10-04: clocks go forward from 02:00 to 02:30",
            ],
        ),
    ],
)
def test_the_changes_of_a_year(zone, found):
    assert changes(zone, "2026-01-01", "2027-01-01") == found


def test_a_change_of_a_whole_day_is_one():
    assert changes("Pacific/Apia", "2011-12-25", "2012-01-05") == [
        "12-30T10:00 Fri 2011-12-30: clocks go forward from 00:00 to 00:00"
    ]


@pytest.mark.parametrize(
    ("cron", "forward", "back"),
    [
        ("0 6 * * *", "no tick is affected", "no tick is affected"),
        (
            "30 1 * * *",
            "01:30 does not exist: one tick at 02:00, the first moment after the gap",
            "01:30 comes twice and ticks once, the second time",
        ),
        (
            "*/15 1 * * *",
            "01:00, 01:15, 01:30 and 1 more do not exist: one tick at 02:00, the first moment "
            "after the gap",
            "01:00, 01:15, 01:30 and 1 more come twice and tick once, the second time",
        ),
        (
            "0 * * * *",
            "01:00 does not exist: no tick, as every hour of the day that does exist ticks",
            "01:00 comes twice and ticks both times, as every hour of the day ticks",
        ),
    ],
)
def test_what_a_change_does_to_an_expression(cron, forward, back):
    span = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    found = [
        effect_on(parse_cron(cron), one) for one in clock_changes(ZoneInfo("Europe/London"), *span)
    ]
    assert found == [forward, back]
