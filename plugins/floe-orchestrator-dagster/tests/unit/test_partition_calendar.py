"""floe's calendar of partitions beside Dagster's own partitions definitions."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from floe_core.partitions.calendar import Partition, due_partitions, partition_of_key
from floe_core.schemas.partitions import Partitions
from floe_orchestrator_dagster.names.partitions import partitions_definition

ZONES = [
    *("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"),
    *("America/Santiago", "America/Havana", "America/Sao_Paulo", "Asia/Tokyo"),
]


def their_partitions(declaration: Partitions, now: datetime) -> list[Partition]:
    definition = partitions_definition(declaration)
    at = now.astimezone(ZoneInfo(declaration.timezone))
    found = []
    for key in definition.get_partition_keys(current_time=at):
        window = definition.time_window_for_partition_key(key)
        edges = (datetime.fromtimestamp(each.timestamp(), UTC) for each in window)
        found.append(Partition(key, *edges))
    return found


@pytest.mark.parametrize("builds", ["previous", "current"])
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    ("by", "start", "days"),
    [
        ("hour", "2026-03-25", 20),
        ("hour", "2026-10-20", 20),
        ("hour", "2026-09-01", 10),
        ("day", "2026-01-01", 420),
        ("week", "2026-01-05", 500),
        ("month", "2026-01-01", 900),
    ],
)
def test_keys_and_periods_are_those_of_dagster(
    zone: str, by: str, start: str, days: int, builds: str
) -> None:
    declaration = Partitions(by=by, start=start, timezone=zone, builds=builds)  # type: ignore[arg-type]
    chance = random.Random(f"{zone} {by} {start}")
    now = datetime.fromisoformat(start).replace(tzinfo=UTC) + timedelta(
        days=days, seconds=chance.randrange(86_400)
    )
    expected = their_partitions(declaration, now)
    assert len(expected) > 10
    assert list(due_partitions(declaration, now)) == expected
    for each in expected:
        assert partition_of_key(declaration, each.key) == each


def test_hours_after_a_shift_of_half_an_hour_are_those_of_dagster() -> None:
    declaration = Partitions(by="hour", start="2026-04-04", timezone="Australia/Lord_Howe")
    now = datetime(2026, 4, 6, tzinfo=UTC)
    assert list(due_partitions(declaration, now)) == their_partitions(declaration, now)
