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
from datetime import date, datetime, timedelta
from itertools import groupby, takewhile
from pathlib import Path
from typing import NamedTuple

import duckdb
from partition_periods import NUMBER, Calendar, Period
from warm_floe import dbt

TABLES = ("raw", "names", "daily", "by_day", "wide", "total")
# What has arrived, and what is to fail: files beside dbt's working directory, since a change of a
# product's own folder lets floe parse it again.
DATA, EVENTS, FAULTS, PIPES = "data", "events.csv", "faults.csv", "pipes"
ALWAYS = 99
Pair = tuple[str, str]
# What is left of nodes and periods after each attempt of a run; of a node that is not partitioned,
# the period is "".
Attempts = list[list[Pair]]
FIRST, TEST, LAST = "raw", "good", "total"

_TIME = "%Y-%m-%d %H:%M:%S"
_BY_VARS = ('{{ var("begin") }}', '{{ var("end") }}')
_BY_DAYS = ('{{ var("begin") }} 00:00:00', '{{ var("end") }} 00:00:00')
_BY_BATCH = [
    f"{{{{ model.batch.event_time_{edge}.strftime('{_TIME}') if model.batch else '' }}}}"
    for edge in ("start", "end")
]
_PLANNED = (
    "(select count(*) from read_csv('../data/faults.csv', header=true, all_varchar=true) "
    "where node = '{node}' and begins >= '{begin}' and begins < '{end}' "
    "and cast(attempts as int) >= {{{{ var('floe_attempt', 1) }}}})"
)
# A pipe stops whoever reads it, until somebody kills him; a file in its place stops nobody.
_FAULTY = (
    f" and case when {_PLANNED} "
    "+ (select count(*) from read_csv('../data/pipes/{node} {begin}', header=false, columns={{'a': 'int'}}) "
    "where a > 0) > 0 then error('planned') else true end"
)
# Nodes that are built once fail at any time.
_FAULTY_ONCE = f" where case when {_PLANNED} > 0 then error('planned') else true end"
_KEYED = "{{{{ config(materialized='incremental', unique_key='{key}') }}}} "


def _faulty(node: str, times: Sequence[str], text: str = _FAULTY) -> str:
    return text.format(node=node, begin=times[0], end=times[1])


def _faulty_once(node: str) -> str:
    return _faulty(node, ("", "9"), _FAULTY_ONCE)


@dataclass(frozen=True)
class Product:
    """A product and what varies of it.

    `kind` is `mixed`, models that use vars and one of microbatches, `batches`, microbatch models
    alone, or `vars`, none of them. `chunk` is `execution.backfillBy`. `code_is_in` is where the
    code is that changes: the model itself, or what dbt makes a part of it.
    """

    calendar: Calendar
    kind: str
    chunk: str
    lookback: int
    retries: int
    name: str = "shop"
    # Whether Airflow's runs have partition keys.
    has_keys: bool = False
    # Whether runs reuse what no period is built of.
    reuses: bool = False
    builds: str = "previous"
    granularity: str = "product"
    threads: int = 1
    code_is_in: str = "model"
    has_days: bool = False
    has_test: bool = False

    @property
    def parents(self) -> Mapping[str, tuple[str, ...]]:
        """Partitioned model -> the partitioned models that it reads."""
        if self.kind == "batches":
            return {"by_day": (), "wide": ("by_day",)}
        return {"daily": (), "by_day": (), "wide": ("daily", "by_day")}

    @property
    def nodes(self) -> list[str]:
        """The partitioned nodes, in an order in which they may be built."""
        *before, last = self.parents
        return [*before, *([TEST] if self.has_test else []), last]

    def reads(self, node: str) -> tuple[str, ...]:
        """Return the partitioned models that a partitioned node reads."""
        return (self.changing,) if node == TEST else self.parents[node]

    @property
    def once(self) -> list[str]:
        """The models that are built once, before all periods."""
        return [FIRST, "names", *(["clean"] if self.code_is_in == "view" else [])]

    @property
    def periods(self) -> list[Period]:
        return self.calendar.periods()

    @property
    def most_at_once(self) -> int:
        """For how many periods a call of dbt is at most: docs/partitions.md, Backfills."""
        if self.chunk == "range" or (self.chunk == "tick" and self.kind == "batches"):
            return NUMBER
        return 1 if self.chunk == "tick" else int(self.chunk)

    @property
    def floe(self) -> str:
        """The end of its floe.yaml."""
        by, first, zone = self.calendar
        edge = "_date" if self.has_days else ""
        return (
            f"schedule: {{cron: '{self.calendar.length.cron}', timezone: {zone}}}\n"
            f"partitions: {{by: {by}, start: {first}, timezone: {zone}, builds: {self.builds}, "
            f"select: {' '.join(self.parents)}, lookback: {self.lookback}, "
            f"vars: {{begin: start{edge}, end: end{edge}, part: key}}}}\n"
            f"execution: {{backfillBy: {self.chunk}, retries: {self.retries}, retryDelaySeconds: 0, "
            f"granularity: {self.granularity}, reuse: {'unchanged' if self.reuses else 'off'}}}\n"
        )

    @property
    def changing(self) -> str:
        """The node whose code changes."""
        return next(iter(self.parents))

    def tick_of(self, period: Period) -> datetime:
        """Return the tick that builds a period as its last one."""
        is_current = self.builds == "current"
        return self.calendar.tick_in(period.start if is_current else period.end)

    def given(self, periods: Sequence[Period]) -> dict[str, str]:
        """Return the vars of a call of dbt for periods."""
        times = periods[0].start, periods[-1].end
        form = "%Y-%m-%d" if self.has_days else _TIME
        begin, end = (each.strftime(form) for each in times)
        part = "...".join(dict.fromkeys((periods[0].key, periods[-1].key)))
        return {"begin": begin, "end": end, "part": part}

    def files(self, code: int = 1) -> dict[str, str]:
        """Return the files of its dbt project; `code` is in the rows that one model builds."""
        found = {f"models/{name}.sql": sql for name, sql in self._models(code).items()}
        project = f"name: {self.name}\nversion: 1.0.0\nprofile: {self.name}\n"
        found["dbt_project.yml"] = project + f"vars: {{code: {code}}}\n" * (
            self.code_is_in == "var"
        )
        if self.code_is_in == "macro":
            found["macros/code_of.sql"] = f"{{% macro code_of() %}}{code}{{% endmacro %}}"
        if self.has_test:
            test = f"select 1 from {{{{ ref('{self.changing}') }}}} where "
            found[f"tests/{TEST}.sql"] = test + _faulty(TEST, self._times, f"{_PLANNED} > 0")
        return found

    @property
    def _times(self) -> Sequence[str]:
        return _BY_DAYS if self.has_days else _BY_VARS

    def _models(self, code: int) -> dict[str, str]:
        placed, source = self._place(code)
        batch = self.calendar.length.batch
        micro = (
            "{{ config(materialized='incremental', incremental_strategy='microbatch', "
            f"event_time='happened', batch_size='{batch}', begin='2025-12-01') }}}} "
        )
        of_batch = placed if self.kind == "batches" else 1
        found = {
            FIRST: "{{ config(materialized='table', event_time='happened') }} "
            "select id, amount, happened from read_csv('../data/events.csv', header=true, "
            "columns={'id': 'int', 'amount': 'int', 'happened': 'timestamp'})"
            + _faulty_once(FIRST),
            "by_day": micro + f"select id, happened, {of_batch} as code from {{{{ ref('raw') }}}} "
            "where true" + _faulty("by_day", _BY_BATCH),
            "names": f"{{{{ config(materialized='table') }}}} select {code // 2} as code",
            LAST: "{{ config(materialized='incremental') }} select count(*) as n, "
            "(select code from {{ ref('names') }}) as code from {{ ref('wide') }}"
            + _faulty_once(LAST),
        }
        if self.code_is_in in ("view", "ephemeral"):
            kind = f"{{{{ config(materialized='{self.code_is_in}') }}}} "
            found["clean"] = kind + f"select *, {code} as code from {{{{ ref('raw') }}}}"
        if self.kind == "batches":
            found["wide"] = (
                micro + "select id, happened, code * 2 as code from {{ ref('by_day') }} where true"
            ) + _faulty("wide", _BY_BATCH)
            return found
        of_period = f"happened >= '{_BY_VARS[0]}' and happened < '{_BY_VARS[1]}'"
        if self.kind == "vars":
            keyed = _KEYED.format(key="id")
            found["daily"] = (
                keyed
                + f"select id, happened, amount, {placed} as code, '{{{{ var(\"part\") }}}}' as part "
                f"from {source} where {of_period}" + _faulty("daily", self._times)
            )
            found["by_day"] = (
                keyed + "select id, happened from {{ ref('raw') }} "
                f"where {of_period}" + _faulty("by_day", self._times)
            )
            found["wide"] = (
                keyed + "select d.id, d.happened, d.code, by_day.id is null as lacks "
                "from {{ ref('daily') }} as d left join {{ ref('by_day') }} as by_day using (id) "
                f"where d.{of_period.replace('and ', 'and d.')}" + _faulty("wide", self._times)
            )
            return found
        by, keyed = self.calendar.by, _KEYED.format(key="period")
        found["daily"] = (
            keyed + f"select date_trunc('{by}', happened) as period, count(*) as events, "
            f"sum(amount) as amount, max({placed}) as code from {source} "
            f"where {of_period}" + _faulty("daily", self._times) + " group by 1"
        )
        found["wide"] = (
            keyed + "select period, events, (select count(*) from {{ ref('by_day') }} as each "
            f"where date_trunc('{by}', each.happened) = daily.period) as again "
            "from {{ ref('daily') }} as daily "
            f"where {of_period.replace('happened', 'period')}" + _faulty("wide", self._times)
        )
        return found

    def _place(self, code: int) -> tuple[str, str]:
        """Return the SQL of the code, and what a model reads that has it."""
        placed = {"macro": "{{ code_of() }}", "var": "{{ var('code') }}"}
        if self.code_is_in in ("view", "ephemeral"):
            return "code", "{{ ref('clean') }}"
        return placed.get(self.code_is_in, str(code)), "{{ ref('raw') }}"


def product_of(seed: int) -> Product:
    """Return the product of a history."""
    chance = random.Random(f"product {seed}")
    by = ("day", "hour", "month", "week")[seed % 4]
    kind = chance.choice(["mixed", "mixed", "batches", "vars", "vars"])
    zone = chance.choice(list(_STARTS)) if kind == "vars" else "UTC"
    places = ["model", "macro", "var", *(["view", "ephemeral"] if kind != "batches" else [])]
    return Product(
        calendar=Calendar(by, _start(by, zone, chance), zone),
        kind=kind,
        chunk=chance.choice(["tick", "tick", "2", "range"]),
        lookback=chance.choice([0, 1, 1, 2]),
        retries=chance.choice([0, 1]),
        name=f"shop{seed}",
        has_keys=chance.random() < 0.5,
        reuses=chance.random() < 0.5,
        builds=chance.choice(["previous", "previous", "current"]),
        granularity=chance.choice(["product", "node", "group"]),
        threads=chance.choice([1, 1, 4]),
        code_is_in=chance.choice(places),
        has_days=kind != "batches" and by != "hour" and zone == "UTC" and chance.random() < 0.5,
        has_test=kind != "batches" and chance.random() < 0.5,
    )


# Zone -> days on which its clock changes.
_STARTS = {
    "UTC": [date(2026, 11, 1)],
    "Europe/Berlin": [date(2026, 3, 29), date(2026, 10, 25)],
    "America/New_York": [date(2026, 3, 8), date(2026, 11, 1)],
    "Asia/Kolkata": [date(2026, 11, 1)],
}


def _start(by: str, zone: str, chance: random.Random) -> date:
    """Return the day on which the first period starts."""
    if by == "month":
        return date(2026, 1, 1)
    if by == "week":
        return date(2026, 9, 7)
    day = chance.choice(_STARTS[zone])
    return day if by == "hour" else day - timedelta(days=3)


class Fault(NamedTuple):
    """A node that fails for a period in a run's first attempts; where it hangs, it is killed.

    A node that is built once fails whatever the period is.
    """

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
            step = Step(due, "", product.tick_of(due[-1]))
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
    nodes = [*product.nodes, *product.nodes, FIRST, LAST]
    step.is_retried = chance.random() < 0.5
    if chance.random() < 0.5:
        step.faults = [
            Fault(chance.choice(nodes), chance.choice(step.periods), chance.choice([1, ALWAYS]))
            for _ in range(chance.choice([1, 1, 2]))
        ]
    elif product.threads == 1 and chance.random() < 0.35:
        if product.kind == "batches":
            node = chance.choice([*product.parents])
            step.killed_at = Fault(node, chance.choice(step.periods))
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
        by, first, zone = self.product.calendar
        edges = Calendar("day" if by == "week" else by, first, zone).edges()
        yield from takewhile(lambda edge: edge < self.product.periods[-1].end, edges)

    def pipe(self, node: str, moment: datetime) -> Path:
        return self.data / PIPES / f"{node} {moment:{_TIME}}"

    def change(self, step: Step, number: int) -> bool:
        """Write what a step brings before its run; return whether code has changed."""
        is_other = False
        for place, text in self.product.files(step.code).items():
            path = self.folder / place
            if not path.exists() or path.read_text() != text:
                path.write_text(text)
                is_other = True
        lines = [
            f"{(number + 1) * 100 + n},{n},{moment:{_TIME}}\n"
            for n, moment in enumerate(step.arrives)
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
        # What a failed test of the current run holds back, itself included.
        self._held: set[Pair] = set()

    def run(self, step: Step, number: int) -> Attempts:
        """Build the periods of a step in order, what is above, and what is below.

        Returns for each attempt what is left of nodes and periods after it; nothing is after the
        last one if all was built.
        """
        self.world.change(step, number)
        left = [(node, "") for node in self.product.once]
        left += [(node, each.key) for each in step.periods for node in self.product.nodes]
        left.append((LAST, ""))
        self._held = set[Pair]()
        attempts = []
        if step.killed_at is not None:
            left = self._until_killed(step, left)
            attempts.append(left)
        else:
            for attempt in range(1, self.product.retries + 2):
                left = self._attempt(step, left, attempt)
                attempts.append(left)
                if not self._retries(left):
                    break
        if left and step.is_retried:
            self.world.write_faults([])
            self._held = set()
            left = self._attempt(step, left, ALWAYS + 1)
            attempts.append(left)
        assert not left or step.faults or step.killed_at, f"plain dbt fails of itself: {left}"
        return attempts

    def _retries(self, left: Sequence[Pair]) -> bool:
        """Return whether anything is left but what a failed test holds back."""
        below = {(LAST, "")} if self._held else set()
        return bool(set(left) - self._held - below)

    def _attempt(self, step: Step, left: list[Pair], attempt: int) -> list[Pair]:
        """Build what is left, except what a failed test holds back; return what is left then."""
        once = [node for node in self.product.once if (node, "") in left]
        if once:
            found = self._dbt_once(once, attempt)
            if any(status != "success" for status in found.values()):
                return [pair for pair in left if found.get(pair[0]) != "success"]
        todo = [pair for pair in left if pair not in self._held and pair[1]]
        after = [pair for pair in left if pair in self._held]
        for periods, nodes in self._chunks(step, todo):
            after += self._build(step, periods, nodes, attempt)
        if after or self._dbt_once([LAST], attempt)[LAST] != "success":
            after.append((LAST, ""))
        return after

    def _dbt_once(self, nodes: Sequence[str], attempt: int) -> dict[str, str]:
        """Build nodes that are not partitioned; return node -> its status."""
        self._dbt("--select", *nodes, given={"floe_attempt": attempt}, check=False)
        text = (self.folder / "target" / "run_results.json").read_text()
        results = json.loads(text)["results"]
        return {each["unique_id"].split(".")[2]: each["status"] for each in results}

    def _chunks(self, step: Step, left: list[Pair]) -> Iterator[tuple[list[Period], list[str]]]:
        """Yield the periods of each call of dbt, and its nodes."""
        todo = {
            each: [node for node in self.product.nodes if (node, each.key) in left]
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
        results = self._call(periods, nodes, attempt)
        self._moment += 1
        left = []
        is_held = results.get(TEST, ("", []))[0] == "fail"
        for node in nodes:
            status, failed = results[node]
            for each in periods:
                is_bad = any(each.start <= moment < each.end for moment in failed)
                is_failed = status in ("error", "fail") and not failed
                if status == "skipped" or is_failed or is_bad:
                    left.append((node, each.key))
                if is_held and (node == TEST or status == "skipped"):
                    self._held.add((node, each.key))
                if status != "skipped":
                    state = "failed" if (node, each.key) in left else "done"
                    self._built[node, each.key] = (state, self._code(step, node), self._moment)
        return left

    def _until_killed(self, step: Step, pairs: list[Pair]) -> list[Pair]:
        """Build what comes before the node and period at which the run is killed."""
        fault = step.killed_at
        assert fault is not None
        self._dbt_once(self.product.once, 1)
        left = [pair for pair in pairs if pair[1] or pair[0] == LAST]
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
                before_it = periods[: periods.index(fault.period)]
                self._call(before_it, [fault.node], 1)
            break
        return left

    def states(self, step: Step) -> dict[str, list[str]]:
        """Return node -> its state in each period."""
        return {
            node: [self._state(step, node, each.key) for each in self.product.periods]
            for node in self.product.nodes
        }

    def _state(self, step: Step, node: str, key: str) -> str:
        if (node, key) not in self._built:
            return "missing"
        state, code, moment = self._built[node, key]
        if state == "failed":
            return state
        above = (self._built.get((parent, key), ("", 0, 0)) for parent in self.product.reads(node))
        is_older = any(each == "done" and built > moment for each, _, built in above)
        return "stale" if code != self._code(step, node) or is_older else "done"

    def _code(self, step: Step, node: str) -> int:
        return step.code if node == self.product.changing else 1

    def _call(
        self, periods: Sequence[Period], nodes: Sequence[str], attempt: int
    ) -> dict[str, tuple[str, list[datetime]]]:
        """Call dbt for periods; return node -> its status and the starts of its failed batches."""
        start, end = periods[0].start, periods[-1].end
        given = {**self.product.given(periods), "floe_attempt": attempt}
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
