"""How long a tick takes: floe's engine beside cronsim and croniter, in one process, in turns.

    .venv/bin/python benchmarks/ticks.py [--json FILE]

Each walks from tick to tick, as a scheduler does, every round through other years, so that nothing
is remembered. Seconds are CPU seconds; what travels between machines is the ratio.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from croniter import croniter
from cronsim import CronSim
from measuring import table

from floe_core.schedules import check_timezone, next_tick, parse_cron

FIRST = datetime(2026, 4, 10, tzinfo=UTC)
YEARS_A_ROUND = 50
TICKS = 500
ROUNDS = 5
CASES = [
    ("0 6 * * *", "UTC"),
    ("0 6 * * *", "Europe/London"),
    ("*/15 * * * *", "America/New_York"),
    ("30 9-17 * * MON-FRI", "Australia/Sydney"),
    ("0 3 1 * *", "America/Santiago"),
]
Walk = Callable[[str, str, datetime], Iterator[datetime]]


def floe(cron: str, zone: str, start: datetime) -> Iterator[datetime]:
    rule, place, moment = parse_cron(cron), check_timezone(zone), start
    while True:
        moment = next_tick(rule, place, moment)
        yield moment


def cronsim(cron: str, zone: str, start: datetime) -> Iterator[datetime]:
    return CronSim(cron, start.astimezone(ZoneInfo(zone)))


def through_croniter(cron: str, zone: str, start: datetime) -> Iterator[datetime]:
    walk = croniter(cron, start.astimezone(ZoneInfo(zone)))
    while True:
        yield walk.get_next(datetime)


WALKS: dict[str, Walk] = {"floe": floe, "cronsim": cronsim, "croniter": through_croniter}


def seconds(walk: Walk, cron: str, zone: str, start: datetime) -> float:
    started = time.process_time()
    for _ in islice(walk(cron, zone, start), TICKS):
        pass
    return time.process_time() - started


def check_agreement(cron: str, zone: str) -> None:
    """Stop if the three name different first ticks: then there is nothing to compare."""
    found = {
        name: [tick.astimezone(UTC) for tick in islice(walk(cron, zone, FIRST), 3)]
        for name, walk in WALKS.items()
    }
    assert len({tuple(ticks) for ticks in found.values()}) == 1, found


def measured(cron: str, zone: str) -> dict[str, float]:
    """Return microseconds a tick, the median of some rounds, each walk in turn."""
    check_agreement(cron, zone)
    rounds: dict[str, list[float]] = {name: [] for name in WALKS}
    for number in range(ROUNDS):
        start = FIRST.replace(year=FIRST.year + number * YEARS_A_ROUND)
        for name, walk in WALKS.items():
            rounds[name].append(seconds(walk, cron, zone, start) / TICKS * 1e6)
    return {name: statistics.median(found) for name, found in rounds.items()}


def row_of(result: dict[str, Any]) -> list[str]:
    found = result["microseconds"]
    times = [f"{found[name]:.1f}" for name in WALKS]
    ratios = [f"{found[name] / found['floe']:.1f}" for name in ("cronsim", "croniter")]
    return [f"{result['cron']} {result['timezone']}", *times, *ratios]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = [
        {"cron": cron, "timezone": zone, "microseconds": measured(cron, zone)}
        for cron, zone in CASES
    ]
    head = ["", "floe us", "cronsim us", "croniter us", "cronsim/floe", "croniter/floe"]
    print(table(head, [row_of(result) for result in results]))
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
