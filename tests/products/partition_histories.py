"""Random histories of a product that is built by day, and a replay of them by plain dbt.

The replay knows nothing of floe: it calls dbt for each day in order, and keeps book of what was
built with which code, and after what.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from partitioned_product import days_from
from warm_floe import dbt

FIRST, LAST = "2026-11-01", "2026-11-08"
LOOKBACK = 1
PARTITIONS = """\
partitions:
  by: day
  start: 2026-11-01
  select: daily by_day wide
  lookback: 1
  vars: {min_date: start, max_date: end, day: start_date}
execution: {backfillBy: %s}
"""
# Files in dbt's working directory: what has arrived, and what is to fail.
EVENTS, FAULTS = "events.csv", "faults.csv"
_FAULTY = (
    " and case when (select count(*) from read_csv('faults.csv', header=true, all_varchar=true) "
    "where node = '%s' and day = '{{ var(\"day\") }}') > 0 then error('planned') else true end"
)
_BY_KEY = "{{ config(materialized='incremental', unique_key='day') }} "
PARENTS = {"daily": (), "by_day": (), "wide": ("daily", "by_day")}


def models(code: int = 1) -> dict[str, str]:
    """Return the SQL of each model; `code` is in the rows that `daily` builds."""
    return {
        "raw": "{{ config(materialized='table', event_time='happened') }} "
        "select id, amount, happened from read_csv('events.csv', header=true, "
        "columns={'id': 'int', 'amount': 'int', 'happened': 'timestamp'})",
        "daily": _BY_KEY + "select happened::date as day, count(*) as events, "
        f"sum(amount) as amount, {code} as code from {{{{ ref('raw') }}}} "
        "where happened >= '{{ var(\"min_date\") }}' and happened < '{{ var(\"max_date\") }}'"
        + _FAULTY % "daily"
        + " group by 1",
        "by_day": "{{ config(materialized='incremental', incremental_strategy='microbatch', "
        "event_time='happened', batch_size='day', begin='2026-10-30') }} "
        "select id, happened from {{ ref('raw') }} where true" + _FAULTY % "by_day",
        "wide": _BY_KEY + "select day, events, (select count(*) from {{ ref('by_day') }} as each "
        "where each.happened::date = daily.day) as again from {{ ref('daily') }} as daily "
        "where day = date '{{ var(\"day\") }}'" + _FAULTY % "wide",
        "total": "{{ config(materialized='incremental') }} select count(*) as days, "
        "sum(events) as events from {{ ref('wide') }}",
    }


@dataclass
class Step:
    """What happens: more data, other code, or a run of these days with these faults.

    `named` is what floe is told, "" for a tick. `stops_at` is after how many results of partitions
    the run is canceled, 0 for never. Each run is retried until it succeeds if `is_retried`.
    """

    days: list[str]
    named: str
    tick: date | None
    faults: list[tuple[str, str]] = field(default_factory=list)
    arrives: list[str] = field(default_factory=list)
    code: int = 1
    stops_at: int = 0
    is_retried: bool = False


def history(seed: int, length: int) -> Iterator[Step]:
    """Yield the steps of a history."""
    chance, code = random.Random(seed), 1
    days, today = days_from(FIRST, LAST), date.fromisoformat(FIRST)
    for _ in range(length):
        code += chance.random() < 0.2
        if chance.random() < 0.5:
            # Some ticks are missed.
            today = min(today + timedelta(days=chance.choice([1, 1, 2])), date(2026, 11, 9))
            due = days_from(
                str(today - timedelta(days=1 + LOOKBACK)), str(today - timedelta(days=1))
            )
            step = Step([day for day in due if day >= FIRST], "", today)
        else:
            first = chance.randrange(len(days))
            mine = days[first : first + chance.choice([1, 2, 4])]
            step = Step(mine, mine[0] if len(mine) == 1 else f"{mine[0]}...{mine[-1]}", None)
        step.code = code
        step.arrives = chance.choices(days, k=chance.choice([0, 2, 5]))
        if chance.random() < 0.5:
            step.faults = [(chance.choice([*PARENTS]), chance.choice(step.days))]
        step.is_retried = chance.random() < 0.5
        if not step.faults and chance.random() < 0.3:
            step.stops_at, step.is_retried = chance.randrange(1, 4), True
        yield step


def write_world(folder: Path, step: Step, number: int, faults: Sequence[tuple[str, str]]) -> None:
    """Write what dbt reads: the models, what has arrived, and what is to fail."""
    for name, sql in models(step.code).items():
        path = folder / "models" / f"{name}.sql"
        if not path.exists() or path.read_text() != sql:
            path.write_text(sql)
    lines = [f"{number * 100 + n},{n},{day} 0{n % 9}:30:00" for n, day in enumerate(step.arrives)]
    with (folder / EVENTS).open("a") as file:
        file.writelines(f"{line}\n" for line in lines)
    write_faults(folder, faults)


def write_faults(folder: Path, faults: Sequence[tuple[str, str]]) -> None:
    """Write what is to fail."""
    text = "".join(f"{node},{day}\n" for node, day in faults)
    (folder / FAULTS).write_text(f"node,day\n{text}")


def prepare(folder: Path) -> None:
    """Write the data that is there before a history."""
    rows = [f"{n},{n % 5},{day} 12:00:00" for n, day in enumerate(days_from(FIRST, LAST) * 2)]
    (folder / EVENTS).write_text("\n".join(["id,amount,happened", *rows, ""]))
    write_faults(folder, [])


class Replay:
    """Plain dbt in a copy of the product, and the book of states."""

    def __init__(self, product: Path, folder: Path) -> None:
        shutil.copytree(product, folder, ignore=shutil.ignore_patterns("*.duckdb*", ".floe"))
        self.folder = folder
        self._built: dict[tuple[str, str], tuple[str, int, int]] = {}
        self._moment = 0

    def run(self, step: Step, number: int) -> bool:
        """Build the days of a step in order, and what is below; return whether all was built."""
        write_world(self.folder, step, number, step.faults)
        self._dbt("--select", "raw")
        failed = self._days(step, [(node, day) for day in step.days for node in PARENTS])
        if failed and step.is_retried:
            write_faults(self.folder, [])
            failed = self._days(step, failed)
        if not failed:
            self._dbt("--select", "total")
        return not failed

    def _days(self, step: Step, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Build nodes of days; return those that failed or were skipped."""
        left: list[tuple[str, str]] = []
        faults = {tuple(line.split(",")) for line in (self.folder / FAULTS).read_text().split()}
        for day in dict.fromkeys(day for _, day in pairs):
            nodes = [node for node, its_day in pairs if its_day == day]
            self._build_day(day, nodes)
            for node in nodes:
                held = any((parent, day) in left for parent in PARENTS[node])
                if held or (node, day) in faults:
                    left.append((node, day))
                if not held:
                    self._moment += 1
                    state = "failed" if (node, day) in left else "done"
                    self._built[node, day] = (state, self._code(step, node), self._moment)
        return left

    def states(self, step: Step) -> dict[str, list[str]]:
        """Return node -> its state on each day."""
        days = days_from(FIRST, LAST)
        return {node: [self._state(step, node, day) for day in days] for node in PARENTS}

    def _state(self, step: Step, node: str, day: str) -> str:
        if (node, day) not in self._built:
            return "missing"
        state, code, moment = self._built[node, day]
        if state == "failed":
            return state
        above = (self._built.get((parent, day), ("", 0, 0)) for parent in PARENTS[node])
        is_older = any(each == "done" and built > moment for each, _, built in above)
        return "stale" if code != self._code(step, node) or is_older else "done"

    @staticmethod
    def _code(step: Step, node: str) -> int:
        return step.code if node == "daily" else 1

    def _build_day(self, day: str, nodes: Sequence[str]) -> None:
        end = str(date.fromisoformat(day) + timedelta(days=1))
        given = {"min_date": f"{day} 00:00:00", "max_date": f"{end} 00:00:00", "day": day}
        times = ["--event-time-start", f"{day}T00:00:00", "--event-time-end", f"{end}T00:00:00"]
        self._dbt("--select", *nodes, *times, given=given, check=False)

    def _dbt(self, *words: str, given: dict[str, str] | None = None, check: bool = True) -> None:
        said = json.dumps(given or {})
        dbt(
            *("-q", "build", "--profiles-dir", ".", "--vars", said, *words),
            cwd=self.folder,
            check=check,
            FLOE_PROJECT_DIR=str(self.folder),
        )
