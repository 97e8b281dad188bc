"""Which partitions a run builds: named ones, those of its range, or those of its tick."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from floe_core.foundation.errors import UsageError
from floe_core.partitions.chosen import (
    name_partitions,
    partitions_of_run,
    range_of,
    why_none,
)
from floe_core.runs.run_parameters import TimeRange
from floe_core.schemas.partitions import Partitions

DAILY = Partitions(by="day", start="2026-11-01", lookback=1)
NOW = datetime(2026, 11, 5, 12, tzinfo=UTC)


def keys(named: str = "", tick: datetime | None = None, span: TimeRange | None = None) -> list[str]:
    return [each.key for each in partitions_of_run(DAILY, named, tick, span, NOW)]


def test_a_tick_builds_the_last_complete_partition_and_those_it_looks_back_to() -> None:
    assert keys(tick=datetime(2026, 11, 4, tzinfo=UTC)) == ["2026-11-02", "2026-11-03"]
    assert keys() == ["2026-11-03", "2026-11-04"]


def test_named_partitions_are_built_without_those_before() -> None:
    assert keys("2026-11-02") == ["2026-11-02"]
    assert keys("2026-11-02...2026-11-04") == ["2026-11-02", "2026-11-03", "2026-11-04"]


def test_a_range_of_time_has_the_partitions_that_start_in_it() -> None:
    span = TimeRange(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC))
    assert keys(span=span) == ["2026-11-01", "2026-11-02"]


def test_nothing_is_due_before_the_first_partition_is_over() -> None:
    assert keys(tick=datetime(2026, 11, 1, 23, tzinfo=UTC)) == []
    assert why_none(DAILY) == (
        "no partition is due yet: the first, 2026-11-01, is due at 2026-11-02T00:00:00+00:00"
    )


def test_several_can_be_named_in_any_order() -> None:
    named = "2026-11-04,2026-11-01...2026-11-02, 2026-11-01"
    assert keys(named) == ["2026-11-01", "2026-11-02", "2026-11-04"]
    found = partitions_of_run(DAILY, named, now=NOW)
    assert name_partitions(found) == "2026-11-01...2026-11-02,2026-11-04"


def test_what_names_a_range_can_be_named_again() -> None:
    found = partitions_of_run(DAILY, "2026-11-02...2026-11-04", now=NOW)
    assert range_of(found) == "2026-11-02...2026-11-04"
    assert range_of(found[:1]) == "2026-11-02"


def test_the_current_partition_can_be_named_where_ticks_build_it() -> None:
    current = DAILY.model_copy(update={"builds": "current"})
    [found] = partitions_of_run(current, "2026-11-05", now=NOW)
    assert found.key == "2026-11-05"


@pytest.mark.parametrize(
    ("named", "text"),
    [
        ("yesterday", "partition 'yesterday' is no partition: a day is written 2026-11-03"),
        ("2026-10-31", "partition 2026-10-31 is before the first partition, 2026-11-01"),
        (
            "2026-11-05",
            "partition 2026-11-05 is not over yet: it ends at 2026-11-06T00:00:00+00:00",
        ),
        (
            "2027-01-01",
            "partition 2027-01-01 is in the future: it ends at 2027-01-02T00:00:00+00:00",
        ),
        (
            "2026-11-03...2026-11-02",
            "partitions 2026-11-03...2026-11-02: the range is backward; write "
            "2026-11-02...2026-11-03",
        ),
        ("2026-11-01...", "partition '' is no partition: a day is written 2026-11-03"),
    ],
)
def test_what_is_no_partition_is_refused(named: str, text: str) -> None:
    with pytest.raises(UsageError) as refused:
        keys(named)
    assert str(refused.value) == text
