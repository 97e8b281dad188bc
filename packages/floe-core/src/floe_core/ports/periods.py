"""Decide for which period a job runs: when all partitions of its ports in the period were built.

Such a job has `every` in its schedule, and its own partitions are the periods: a job by month runs
when all days of a month are there. A pure function of the ledger's records, for every orchestrator.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from floe_core.partitions.calendar import Partition, due_partitions, partitions_between
from floe_core.partitions.chosen import name_partitions
from floe_core.partitions.store import name_of
from floe_core.ports.decision import Decision
from floe_core.ports.record import KEPT_PERIODS, Begun, Numbers, ProductRecord
from floe_core.schemas.partitions import Partitions


@dataclass(frozen=True, slots=True)
class PortPartitions:
    """The partitions of a port that were built: `numbers` is key -> the last update of it.

    `numbered` is the port's key with the epoch that the numbers count in.
    """

    numbered: str
    calendar: Partitions
    numbers: Numbers

    def last_update(self, period: Partition) -> int:
        """Return the number of the last update in a period that has all of its partitions, else 0.

        A period before the port's first partition has none, so that it is never whole.
        """
        keys = [each.key for each in partitions_between(self.calendar, period.start, period.end)]
        if not keys or not self.numbers.keys() >= set(keys):
            return 0
        return max(self.numbers[key] for key in keys)

    def missing(self, period: Partition) -> str:
        """Return the partitions that a period lacks, as in `KEY` or `FIRST...LAST`, "" for none."""
        inside = partitions_between(self.calendar, period.start, period.end)
        return name_partitions(each for each in inside if each.key not in self.numbers)

    def has_some(self, period: Partition) -> bool:
        """Return whether a partition in a period was built."""
        inside = partitions_between(self.calendar, period.start, period.end)
        return any(each.key in self.numbers for each in inside)


Built = Mapping[str, PortPartitions]


def partitions_in(record: ProductRecord, port: str, calendar: Partitions) -> PortPartitions:
    """Return the partitions of a port (`product/port@version`) in its product's record."""
    by_calendar = record.partitions.get(port.partition("/")[2], {})
    numbered = f"{port}~{record.epoch}" if record.epoch else port
    return PortPartitions(numbered, calendar, by_calendar.get(name_of(calendar), {}))


def decide_period(
    every: Partitions, built: Built, begun: Mapping[str, Begun], now: datetime
) -> Decision:
    """Return what a job does at a moment, given key of port -> partitions, and its earlier runs.

    It runs for the first period that is over, whole, and for which no run has begun. Otherwise it
    waits for the first of those that have some of their partitions.
    """
    # Of more periods than a record keeps, the oldest have been run.
    first = min(begun) if len(begun) >= KEPT_PERIODS else ""
    over = due_partitions(every, now)
    to_come = [each for each in over if each.key not in begun and each.key > first]
    for period in to_come:
        updates = updates_of_period(built, period)
        if updates:
            return Decision("run", updates, period=period.key)
    for period in to_come:
        if any(port.has_some(period) for port in built.values()):
            missing = dict(_missing(built, period))
            return Decision("wait", _some_updates(built), tuple(missing), partitions=missing)
    return Decision("wait")


def updates_of_period(built: Built, period: Partition) -> dict[str, int]:
    """Return numbered port -> its last update in a period, {} if the period is not whole."""
    found = {port.numbered: port.last_update(period) for port in built.values()}
    return found if all(found.values()) else {}


def stale_periods(
    every: Partitions, built: Built, begun: Mapping[str, Begun], now: datetime
) -> tuple[str, ...]:
    """Return the keys of periods of which a partition was built again since their last run."""
    return tuple(
        period.key
        for period in due_partitions(every, now)
        if period.key in begun
        and any(
            number > begun[period.key].seen.get(port, 0)
            for port, number in updates_of_period(built, period).items()
        )
    )


def _some_updates(built: Built) -> dict[str, int]:
    return {port.numbered: max(port.numbers.values()) for port in built.values() if port.numbers}


def _missing(built: Built, period: Partition) -> Iterator[tuple[str, str]]:
    for key, port in sorted(built.items()):
        if missing := port.missing(period):
            yield key, missing
