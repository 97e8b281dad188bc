"""The time range of the data that a run processes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class TimeRange:
    """From `start` up to, not including, `end`; both aware UTC times."""

    start: datetime
    end: datetime

    @classmethod
    def parse(cls, start: str, end: str) -> TimeRange:
        """Return the range between two ISO times, in UTC unless they say otherwise.

        Raises:
            ValueError: One is not an ISO time, or the range is empty.
        """
        found = cls(_utc(start), _utc(end))
        if found.start >= found.end:
            raise ValueError(f"the range from {start} to {end} holds nothing")
        return found


def _utc(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
