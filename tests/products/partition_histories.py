"""Random histories of a product that is built by period, and a replay of them by plain dbt.

The replay knows nothing of floe: it calls dbt for each period in order, reads in dbt's own results
what came of it, and keeps book of what was built with which code, and after what.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import duckdb
from partition_periods import LENGTHS, NUMBER, Period, periods_of, tick_after
from warm_floe import dbt

TABLES = ("raw", "names", "daily", "by_day", "wide", "total")
# What has arrived, and what is to fail: files beside dbt's working directory, since a change of a
# product's own folder lets floe parse it again.
DATA, EVENTS, FAULTS, PIPES = "data", "events.csv", "faults.csv", "pipes"
ALWAYS = 99
Pair = tuple[str, str]
# What is left of nodes and periods after each attempt of a run.
Attempts = list[list[Pair]]

_TIME = "%Y-%m-%d %H:%M:%S"
_BY_VARS = ('{{ var("begin") }}', '{{ var("end") }}')
_BY_BATCH = [
    f"{{{{ model.batch.event_time_{edge}.strftime('{_TIME}') if model.batch else '' }}}}"
    for edge in ("start", "end")
]
# A pipe stops whoever reads it, until somebody kills him; a file in its place stops nobody.
_FAULTY = (
    " and case when (select count(*) from read_csv('../data/faults.csv', header=true, all_varchar=true) "
    "where node = '{node}' and begins >= '{begin}' and begins < '{end}' "
    "and cast(attempts as int) >= {{{{ var('floe_attempt', 1) }}}}) "
    "+ (select count(*) from read_csv('../data/pipes/{node} {begin}', header=false, columns={{'a': 'int'}}) "
    "where a > 0) > 0 then error('planned') else true end"
)


def _faulty(node: str, times: Sequence[str]) -> str:
    return _FAULTY.format(node=node, begin=times[0], end=times[1])


@dataclass(frozen=True)
class Product:
    """A product and what varies of it.

    `kind` is `mixed`, models that use vars and one of microbatches, or `batches`, microbatch models
    alone. `chunk` is `execution.backfillBy`.
    """

    by: str
    kind: str
    chunk: str
    lookback: int
    retries: int
    name: str = "shop"
    # Whether Airflow's runs have partition keys.
    has_keys: bool = False
    # Whether runs reuse what no period is built of.
    reuses: bool = False

    @property
    def parents(self) -> Mapping[str, tuple[str, ...]]:
        """Partitioned node -> the partitioned nodes that it reads."""
        if self.kind == "batches":
            return {"by_day": (), "wide": ("by_day",)}
        return {"daily": (), "by_day": (), "wide": ("daily", "by_day")}

    @property
    def periods(self) -> list[Period]:
        return periods_of(self.by)

    @property
    def most_at_once(self) -> int:
        """For how many periods a call of dbt is at most: docs/partitions.md, Backfills."""
        if self.chunk == "range" or (self.chunk == "tick" and self.kind == "batches"):
            return NUMBER
        return 1 if self.chunk == "tick" else int(self.chunk)

    @property
    def floe(self) -> str:
        """The end of its floe.yaml."""
        length = LENGTHS[self.by]
        return (
            f"schedule: {{cron: '{length.cron}', timezone: UTC}}\n"
            f"partitions: {{by: {self.by}, start: {length.first.date()}, "
            f"select: {' '.join(self.parents)}, lookback: {self.lookback}, "
            "vars: {begin: start, end: end}}\n"
            f"execution: {{backfillBy: {self.chunk}, retries: {self.retries}, retryDelaySeconds: 0, "
            f"granularity: product, reuse: {'unchanged' if self.reuses else 'off'}}}\n"
        )

    @property
    def changing(self) -> str:
        """The node whose code changes."""
        return next(iter(self.parents))

    def models(self, code: int = 1) -> dict[str, str]:
        """Return the SQL of each model; `code` is in the rows that one of them builds."""
        by, batch = self.by, LENGTHS[self.by].batch
        micro = (
            "{{ config(materialized='incremental', incremental_strategy='microbatch', "
            f"event_time='happened', batch_size='{batch}', begin='2025-12-01') }}}} "
        )
        keyed = "{{ config(materialized='incremental', unique_key='period') }} "
        of_batch = code if self.kind == "batches" else 1
        found = {
            "raw": "{{ config(materialized='table', event_time='happened') }} "
            "select id, amount, happened from read_csv('../data/events.csv', header=true, "
            "columns={'id': 'int', 'amount': 'int', 'happened': 'timestamp'})",
            "by_day": micro + f"select id, happened, {of_batch} as code from {{{{ ref('raw') }}}} "
            "where true" + _faulty("by_day", _BY_BATCH),
            "names": f"{{{{ config(materialized='table') }}}} select {code // 2} as code",
            "total": "{{ config(materialized='incremental') }} select count(*) as n, "
            "(select code from {{ ref('names') }}) as code from {{ ref('wide') }}",
        }
        if self.kind == "batches":
            found["wide"] = (
                micro + "select id, happened, code * 2 as code from {{ ref('by_day') }} where true"
            ) + _faulty("wide", _BY_BATCH)
            return found
        found["daily"] = (
            keyed + f"select date_trunc('{by}', happened) as period, count(*) as events, "
            f"sum(amount) as amount, {code} as code from {{{{ ref('raw') }}}} "
            "where happened >= '{{ var(\"begin\") }}' and happened < '{{ var(\"end\") }}'"
            + _faulty("daily", _BY_VARS)
            + " group by 1"
        )
        found["wide"] = (
            keyed + "select period, events, (select count(*) from {{ ref('by_day') }} as each "
            f"where date_trunc('{by}', each.happened) = daily.period) as again "
            "from {{ ref('daily') }} as daily "
            "where period >= '{{ var(\"begin\") }}' and period < '{{ var(\"end\") }}'"
        ) + _faulty("wide", _BY_VARS)
        return found


def product_of(seed: int) -> Product:
    """Return the product of a history."""
    chance = random.Random(f"product {seed}")
    return Product(
        by=("day", "hour", "month", "week")[seed % 4],
        kind=chance.choice(["mixed", "mixed", "batches"]),
        chunk=chance.choice(["tick", "tick", "2", "range"]),
        lookback=chance.choice([0, 1, 1, 2]),
        retries=chance.choice([0, 1]),
        name=f"shop{seed}",
        has_keys=chance.random() < 0.5,
        reuses=chance.random() < 0.5,
    )


class Fault(NamedTuple):
    """A node that fails for a period in a run's first attempts; where it hangs, it is killed."""

    node: str
    period: Period
    attempts: int = ALWAYS


@dataclass
class Step:
    """What happens: more data, other code, and a run, maybe with faults.

    `named` is what the run is told, "" for a tick. `killed_at` is where its process is killed. A
    run that failed after its own retries `is_retried`, by hand and without faults.
    """

    periods: list[Period]
    named: str = ""
    tick: datetime | None = None
    faults: list[Fault] = field(default_factory=list)
    arrives: list[datetime] = field(default_factory=list)
    code: int = 1
    killed_at: Fault | None = None
    is_retried: bool = False

    def __str__(self) -> str:
        told = f"tick {self.tick:%m-%d %H:%M}" if self.tick else self.named
        faults = [f"{f.node} {f.period.key} {f.attempts}x" for f in self.faults]
        if self.killed_at:
            faults = [f"killed at {self.killed_at.node} {self.killed_at.period.key}"]
        again = ", retried" if self.is_retried else ""
        return f"{told}, code {self.code}, +{len(self.arrives)} rows {' '.join(faults)}{again}"


def history(product: Product, seed: int, length: int) -> Iterator[Step]:
    """Yield the steps of a history."""
    chance, code, passed = random.Random(seed), 1, 0
    periods = product.periods
    for _ in range(length):
        code += chance.random() < 0.2
        if chance.random() < 0.5:
            # Some ticks are missed, and some runs are for the same tick again.
            passed = min(passed + chance.choice([0, 1, 1, 2]) if passed else 1, NUMBER)
            due = periods[max(0, passed - 1 - product.lookback) : passed]
            step = Step(due, "", tick_after(product.by, due[-1]))
        else:
            first = chance.randrange(len(periods))
            mine = periods[first : first + chance.choice([1, 2, 4])]
            ends = [mine[0].key, mine[-1].key]
            step = Step(mine, "...".join(dict.fromkeys(ends)))
        step.code = code
        into = chance.choices(periods, k=chance.choice([0, 2, 5]))
        step.arrives = [each.start + (each.end - each.start) / 3 for each in into]
        _add_faults(step, product, chance)
        yield step


def _add_faults(step: Step, product: Product, chance: random.Random) -> None:
    nodes = [*product.parents]
    step.is_retried = chance.random() < 0.5
    if chance.random() < 0.5:
        step.faults = [
            Fault(chance.choice(nodes), chance.choice(step.periods), chance.choice([1, ALWAYS]))
            for _ in range(chance.choice([1, 1, 2]))
        ]
    elif chance.random() < 0.35:
        if product.kind == "batches":
            step.killed_at = Fault(chance.choice(nodes), chance.choice(step.periods))
        else:
            # Of `daily` and `by_day`, either may be built when the other is killed. A call of dbt
            # looks for a pipe at its own start.
            firsts = step.periods[:: product.most_at_once]
            step.killed_at = Fault("wide", chance.choice(firsts))
        step.is_retried = step.is_retried or product.retries > 0


class World:
    """The files that dbt reads in a product's folder."""

    def __init__(self, folder: Path, product: Product) -> None:
        self.folder, self.product = folder, product
        self.data = folder.parent / DATA

    def prepare(self) -> None:
        """Write the data that is there before a history."""
        rows = [
            f"{n},{n % 5},{(each.start + (each.end - each.start) / 2):{_TIME}}"
            for n, each in enumerate(self.product.periods * 2)
        ]
        (self.data / PIPES).mkdir(parents=True, exist_ok=True)
        (self.data / EVENTS).write_text("\n".join(["id,amount,happened", *rows, ""]))
        for node in self.product.parents:
            for moment in self._starts():
                self.pipe(node, moment).write_text("0\n")
        self.write_faults([])

    def _starts(self) -> Iterator[datetime]:
        """Yield the starts of all batches, or of periods where they are the same."""
        periods = self.product.periods
        step = LENGTHS["day" if self.product.by == "week" else self.product.by].following
        moment = periods[0].start
        while moment < periods[-1].end:
            yield moment
            moment = step(moment)

    def pipe(self, node: str, moment: datetime) -> Path:
        return self.data / PIPES / f"{node} {moment:{_TIME}}"

    def change(self, step: Step, number: int) -> bool:
        """Write what a step brings before its run; return whether code has changed."""
        is_other = False
        for name, sql in self.product.models(step.code).items():
            path = self.folder / "models" / f"{name}.sql"
            if not path.exists() or path.read_text() != sql:
                path.write_text(sql)
                is_other = True
        lines = [
            f"{number * 100 + n},{n},{moment:{_TIME}}\n" for n, moment in enumerate(step.arrives)
        ]
        with (self.data / EVENTS).open("a") as file:
            file.writelines(lines)
        self.write_faults(step.faults)
        return is_other

    def write_faults(self, faults: Sequence[Fault]) -> None:
        """Write what is to fail."""
        lines = [f"{each.node},{each.period.start:{_TIME}},{each.attempts}\n" for each in faults]
        (self.data / FAULTS).write_text("node,begins,attempts\n" + "".join(lines))

    def stop_at(self, fault: Fault) -> Path:
        """Put a pipe where a node is to hang, and return it."""
        pipe = self.pipe(fault.node, fault.period.start)
        pipe.unlink()
        os.mkfifo(pipe)
        return pipe

    def go_on(self, fault: Fault) -> None:
        """Put a file in its place again."""
        pipe = self.pipe(fault.node, fault.period.start)
        pipe.unlink()
        pipe.write_text("0\n")

    def rows(self) -> dict[str, list[tuple[object, ...]]]:
        """Return table -> its rows, sorted, for the tables that are there."""
        [file] = self.folder.glob("*.duckdb")
        with duckdb.connect(str(file), read_only=True) as connection:
            found = connection.sql("select table_name from duckdb_tables()").fetchall()
            return {
                name: sorted(connection.sql(f"select * from {name}").fetchall(), key=repr)
                for name in TABLES
                if (name,) in found
            }


class Replay:
    """Plain dbt in a copy of the product, and the book of states."""

    def __init__(self, product: Product, source: Path, folder: Path) -> None:
        left_out = ("*.duckdb*", ".floe", "target", "logs")
        shutil.copytree(source, folder, ignore=shutil.ignore_patterns(*left_out))
        self.world, self.product, self.folder = World(folder, product), product, folder
        self.world.prepare()
        self._built: dict[Pair, tuple[str, int, int]] = {}
        self._moment = 0

    def run(self, step: Step, number: int) -> Attempts:
        """Build the periods of a step in order, and what is below.

        Returns for each attempt what is left of nodes and periods after it; nothing is after the
        last one if all was built.
        """
        self.world.change(step, number)
        self._dbt("--select", "raw", "names")
        left = [(node, each.key) for each in step.periods for node in self.product.parents]
        attempts = []
        if step.killed_at is not None:
            left = self._until_killed(step, left)
            attempts.append(left)
        else:
            for attempt in range(1, self.product.retries + 2):
                left = self._attempt(step, left, attempt)
                attempts.append(left)
                if not left:
                    break
        if left and step.is_retried:
            self.world.write_faults([])
            left = self._attempt(step, left, ALWAYS + 1)
            attempts.append(left)
        if not left:
            self._dbt("--select", "total")
        assert not left or step.faults or step.killed_at, f"plain dbt fails of itself: {left}"
        return attempts

    def _attempt(self, step: Step, left: list[Pair], attempt: int) -> list[Pair]:
        found: list[Pair] = []
        for periods, nodes in self._chunks(step, left):
            found += self._build(step, periods, nodes, attempt)
        return found

    def _chunks(self, step: Step, left: list[Pair]) -> Iterator[tuple[list[Period], list[str]]]:
        """Yield the periods of each call of dbt, and its nodes."""
        todo = {
            each: [node for node in self.product.parents if (node, each.key) in left]
            for each in step.periods
        }
        most = self.product.most_at_once
        for _, group in groupby(step.periods, key=lambda each: todo[each]):
            mine = list(group)
            for first in range(0, len(mine), most):
                chunk = mine[first : first + most]
                if todo[chunk[0]]:
                    yield chunk, todo[chunk[0]]

    def _build(
        self, step: Step, periods: list[Period], nodes: list[str], attempt: int
    ) -> list[Pair]:
        """Call dbt for periods; keep book, and return what failed or was skipped."""
        results = self._call(periods[0].start, periods[-1].end, nodes, attempt)
        self._moment += 1
        left = []
        for node in nodes:
            status, failed = results[node]
            for each in periods:
                is_bad = any(each.start <= moment < each.end for moment in failed)
                if status == "skipped" or (status == "error" and not failed) or is_bad:
                    left.append((node, each.key))
                if status != "skipped":
                    state = "failed" if (node, each.key) in left else "done"
                    self._built[node, each.key] = (state, self._code(step, node), self._moment)
        return left

    def _until_killed(self, step: Step, pairs: list[Pair]) -> list[Pair]:
        """Build what comes before the node and period at which the run is killed."""
        fault, left = step.killed_at, list(pairs)
        assert fault is not None
        for periods, nodes in self._chunks(step, pairs):
            if fault.period not in periods:
                self._build(step, periods, nodes, 1)
                left = [pair for pair in left if pair[1] not in {each.key for each in periods}]
                continue
            before = nodes[: nodes.index(fault.node)]
            if before:
                self._build(step, periods, before, 1)
                done = {(node, each.key) for each in periods for node in before}
                left = [pair for pair in left if pair not in done]
            is_batched = self.product.kind == "batches"
            if is_batched and periods[0].start < fault.period.start:
                # dbt has these batches, and has told nobody.
                self._call(periods[0].start, fault.period.start, [fault.node], 1)
            break
        return left

    def states(self, step: Step) -> dict[str, list[str]]:
        """Return node -> its state in each period."""
        return {
            node: [self._state(step, node, each.key) for each in self.product.periods]
            for node in self.product.parents
        }

    def _state(self, step: Step, node: str, key: str) -> str:
        if (node, key) not in self._built:
            return "missing"
        state, code, moment = self._built[node, key]
        if state == "failed":
            return state
        above = (
            self._built.get((parent, key), ("", 0, 0)) for parent in self.product.parents[node]
        )
        is_older = any(each == "done" and built > moment for each, _, built in above)
        return "stale" if code != self._code(step, node) or is_older else "done"

    def _code(self, step: Step, node: str) -> int:
        return step.code if node == self.product.changing else 1

    def _call(
        self, start: datetime, end: datetime, nodes: Sequence[str], attempt: int
    ) -> dict[str, tuple[str, list[datetime]]]:
        """Call dbt for a time; return node -> its status and the starts of its failed batches."""
        given = {"begin": f"{start:{_TIME}}", "end": f"{end:{_TIME}}", "floe_attempt": attempt}
        times = [f"--event-time-start={start:%Y-%m-%dT%H:%M:%S}"]
        times.append(f"--event-time-end={end:%Y-%m-%dT%H:%M:%S}")
        self._dbt("--select", *nodes, *times, given=given, check=False)
        text = (self.folder / "target" / "run_results.json").read_text()
        found = {}
        for each in json.loads(text)["results"]:
            batches = (each.get("batch_results") or {}).get("failed") or []
            status = "error" if each["status"] == "partial success" else each["status"]
            failed = [datetime.fromisoformat(first) for first, _ in batches]
            found[each["unique_id"].split(".")[2]] = (status, failed)
        return found

    def _dbt(
        self, *words: str, given: Mapping[str, object] | None = None, check: bool = True
    ) -> None:
        said = json.dumps(given or {})
        dbt(
            *("-q", "build", "--profiles-dir", ".", "--vars", said, *words),
            cwd=self.folder,
            check=check,
            FLOE_PROJECT_DIR=str(self.folder),
        )
