"""The instants of Dagster's machinery, of Airflow's timetable and of floe's engine are the same.

Around every clock change of 2026, where the orchestrators by themselves differ.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from floe_core import plugin_registry
from floe_core.schedules import check_timezone, ticks_between
from floe_core.schedules.clock_changes import clock_changes
from floe_core.schemas.policies import Schedule

VECTORS = Path(__file__).parents[2] / "packages/floe-core/tests/unit/schedules/vectors"
ACCEPTED: list[str] = json.loads((VECTORS / "cron-dialect.json").read_text())["accept"]
YEAR = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
MARGIN = timedelta(hours=40)
ZONES = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/Adak",
    "America/Asuncion",
    "America/Havana",
    "America/Los_Angeles",
    "America/New_York",
    "America/Santiago",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Jerusalem",
    "Asia/Kolkata",
    "Atlantic/Azores",
    "Australia/Adelaide",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Europe/Chisinau",
    "Europe/Dublin",
    "Europe/London",
    "Europe/Warsaw",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "UTC",
]


def spans(zone: str) -> Iterator[tuple[datetime, datetime]]:
    """Yield the days around each change of the year; some days of March where there is none."""
    moments = [change.at for change in clock_changes(check_timezone(zone), *YEAR)]
    for moment in moments or [datetime(2026, 3, 29, 1, tzinfo=UTC)]:
        yield moment - MARGIN, moment + MARGIN


def differences(cron: str, zone: str) -> Iterator[str]:
    schedule = Schedule(cron=cron, timezone=zone)
    for start, end in spans(zone):
        ours = ticks_between(cron, zone, start, end)
        for name in ("dagster", "airflow"):
            theirs = plugin_registry.load(name).ticks_of(schedule, start, end)
            for tick in sorted(set(ours) ^ set(theirs)):
                yield f"{cron} {zone}: {tick} by {'floe' if tick in ours else name} alone"
            if theirs != sorted(set(theirs)):
                yield f"{cron} {zone}: {name} repeats itself or goes back"


def test_there_are_300_expressions_and_25_zones_to_choose_from() -> None:
    assert (len(ACCEPTED) >= 300, len(set(ZONES))) == (True, 25)


@pytest.mark.parametrize(
    "zone", ["America/New_York", "Australia/Lord_Howe", "Europe/Dublin", "Africa/Casablanca"]
)
def test_some_expressions_tick_alike(zone: str) -> None:
    chosen = random.Random(zone).sample(ACCEPTED, 25)
    assert [text for cron in chosen for text in differences(cron, zone)] == []


@pytest.mark.slow
@pytest.mark.parametrize("zone", ZONES)
def test_300_expressions_tick_alike(zone: str) -> None:
    chosen = random.Random(2026).sample(ACCEPTED, 300)
    assert [text for cron in chosen for text in differences(cron, zone)] == []
