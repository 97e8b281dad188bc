"""floe's calendar of partitions beside the partition dates of Airflow's own timetable."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from floe_core.partitions.calendar import Partition, partitions_between
from floe_core.schemas.partitions import Partitions

trigger = pytest.importorskip("airflow.timetables.trigger")
if not hasattr(trigger, "CronPartitionTimetable"):
    pytest.skip("this Airflow has no partitions", allow_module_level=True)

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"]
CRONS = {"hour": "0 * * * *", "day": "0 0 * * *", "week": "0 0 * * 1", "month": "0 0 1 * *"}
FORMATS = {"hour": "%Y-%m-%d-%H:%M", "month": "%Y-%m"}


def their_partitions(
    declaration: Partitions, earliest: datetime, latest: datetime
) -> list[tuple[str, datetime]]:
    """Return key and start; Airflow reads the wall time of both bounds in the timetable's zone."""
    timetable = trigger.CronPartitionTimetable(
        CRONS[declaration.by],
        timezone=declaration.timezone,
        key_format=FORMATS.get(declaration.by, "%Y-%m-%d"),
    )
    infos = timetable.iter_partition_dagrun_infos(earliest=earliest, latest=latest)
    # Plain datetimes instead of those of pendulum.
    return [
        (each.partition_key, datetime.fromtimestamp(each.run_after.timestamp(), UTC))
        for each in infos
    ]


def is_repeated(declaration: Partitions, each: Partition) -> bool:
    """Return whether a key has an offset, as that of an hour that comes twice."""
    return bool(each.start.astimezone(ZoneInfo(declaration.timezone)).fold)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    ("by", "start", "days"),
    [
        ("hour", "2026-03-26", 6),
        ("hour", "2026-10-23", 6),
        ("day", "2026-01-01", 400),
        ("week", "2026-01-05", 400),
        ("month", "2026-01-01", 800),
    ],
)
def test_keys_and_starts_are_those_of_airflow(zone: str, by: str, start: str, days: int) -> None:
    declaration = Partitions(by=by, start=start, timezone=zone)  # type: ignore[arg-type]
    earliest = datetime.fromisoformat(start).replace(tzinfo=UTC)
    latest = earliest + timedelta(days=days)
    theirs = their_partitions(declaration, earliest, latest)
    first, last = theirs[0][1], theirs[-1][1]
    ours = partitions_between(declaration, first, last + timedelta(seconds=1))
    assert len(ours) > 20
    assert [each.start for each in ours] == [at for _, at in theirs]
    # Airflow writes both of two repeated hours with the same key.
    once = [
        (mine.key, key)
        for mine, (key, _) in zip(ours, theirs, strict=True)
        if not is_repeated(declaration, mine)
    ]
    assert all(mine == key for mine, key in once)
    assert len(ours) - len(once) <= 1
