"""Values of drivers as text: two that differ have two texts, two that are equal have one."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from floe_core.warehouse.copied_tables import as_text

KATHMANDU = timezone(timedelta(hours=5, minutes=45))
MOMENT = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (None, ""),
        (None, "None"),
        (0.0, -0.0),
        (0.1, 0.10000000000000002),
        (float("nan"), None),
        (float("inf"), float("-inf")),
        (Decimal("1.5"), Decimal("1.50")),
        (2**63 - 1, 2**63 - 2),
        ("name", "name "),
        ("\u00e9", "e\u0301"),
        ("a", "a\0"),
        ("\ud800", "\ud801"),
        (b"", None),
        (b"\x08\x01", b"\x08\x02"),
        (MOMENT, MOMENT + timedelta(microseconds=1)),
        (MOMENT.replace(tzinfo=None), MOMENT.replace(tzinfo=None) + timedelta(days=1)),
        (date(2026, 2, 28), date(2026, 3, 1)),
        (time(12, 0), time(12, 0, 0, 1)),
        (timedelta(seconds=1), timedelta(milliseconds=1)),
        (True, False),
        ([], None),
        ([None], ["null"]),
        ([None], [""]),
        (["a", "b"], ["b", "a"]),
        ([0.0], [-0.0]),
        ([1], ["1"]),
        ([Decimal("1.5")], [Decimal("1.50")]),
        ({"a": 1}, {"a": 2}),
        ({"a": {"b": None}}, {"a": {}}),
        ({"a": [1, 2]}, {"a": [2, 1]}),
        (UUID(int=1), UUID(int=2)),
    ],
)
def test_two_texts(one: Any, two: Any) -> None:
    assert as_text(one) != as_text(two)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (MOMENT, MOMENT.astimezone(KATHMANDU)),
        (float("nan"), float("nan")),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (b"ab", memoryview(b"ab")),
        (["a"], ("a",)),
        ([MOMENT], [MOMENT.astimezone(KATHMANDU)]),
    ],
)
def test_one_text(one: Any, two: Any) -> None:
    assert as_text(one) == as_text(two)
