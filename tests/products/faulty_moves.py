"""Products move between two orchestrators while processes die and stores are away, by a seed each."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import duckdb
from alert_receiver import AlertReceiver
from moving_product import Built, MovingProduct
from wait_for import wait_a_while_for, wait_for
from warm_floe import dbt

from floe_core.schedules import ticks_between
from floe_core.schedules.claims import Claim, claims_of
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

EACH_MINUTE = timedelta(minutes=1)
# Seconds; a busy machine takes its time.
LONG = 1200
ALERTS = "FLOE_TEST_ALERTS"
PRODUCT = f"""\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {{name: NAME, version: 1.0.0, owner: data@example.com}}
platform: {{manifest: manifest.yaml}}
schedule: {{cron: "* * * * *", catchup: true}}
execution: {{retries: 1, retryDelaySeconds: 1}}
alerts: [{{on: [failure], to: "env:{ALERTS}"}}]
steps:
  - {{name: take_a_while, command: [sleep, "8"], writes: [raw.waited]}}
"""
# One minute in five fails, in each attempt.
FAILS = 3
FILES = {
    "models/sources.yml": "sources: [{name: raw, tables: [{name: waited}]}]\n",
    "models/ticks.sql": f"""\
{{{{ config(materialized="incremental") }}}}
-- after {{{{ source("raw", "waited") }}}}
select '{{{{ var("floe_nominal_time") }}}}' as nominal_time, now() as built_at
{{% if (var("floe_nominal_time") or "")[14:16] | int % 5 == {FAILS} %}}, error('planned') as x{{% endif %}}
""",
    # Its rows depend on the order of the ticks, and on what was built before.
    "models/so_far.sql": """\
{{ config(materialized="incremental") }}
select '{{ var("floe_nominal_time") }}' as nominal_time, count(*) as ticks,
    max(t.nominal_time) as latest, count(distinct t.nominal_time) as different
from {{ ref("ticks") }} as t
""",
}
PROFILE = """\
NAME:
  target: dev
  outputs: {dev: {type: duckdb, path: "{{ env_var('TABLES') }}", threads: 1}}
"""
# A move is killed some seconds after one of these.
STEPS = (
    "starts none of it yet",
    "runs what comes before",
    "may just be starting",
    "owns it (epoch",
)
STORE = "store"
TICK_OF_ALERT = re.compile(r"nominal time: (\S+ \S+) UTC")


class Place(Protocol):
    """An orchestrator that products share."""

    def up(self) -> AbstractContextManager[None]:
        """Run it while the block does."""


class Side(Protocol):
    """An orchestrator with a product, and what can happen to it."""

    name: str
    faults: tuple[str, ...]
    artifacts: CompiledArtifacts
    place: Place

    def deployed(self) -> AbstractContextManager[None]:
        """Have the product there while the block runs."""

    def begin(self) -> None:
        """Let it start ticks."""

    def strike(self, fault: str, seconds: float) -> None:
        """Have a fault happen, which lasts so long."""

    def ended(self) -> list[Built]:
        """Return the runs that built something, as its own records have them."""

    def failed_to_begin(self) -> list[datetime]:
        """Return the tick of each run that failed before it began; another run may build it."""

    def is_running(self) -> bool:
        """Return whether a run is under way."""


def play(moves: Sequence[FaultyMoves], receiver: AlertReceiver) -> None:
    """Move products from one place to another and back, all at once."""
    # The pool ends first, so where one of them fails, the others go on to their end.
    with ExitStack() as up, ThreadPoolExecutor(len(moves)) as pool:
        up.enter_context(moves[0].one.place.up())
        for each in moves:
            up.enter_context(each.one.deployed())
        list(pool.map(FaultyMoves.begin, moves))
        up.enter_context(moves[0].two.place.up())
        for each in moves:
            up.enter_context(each.two.deployed())
        list(pool.map(FaultyMoves.go_and_come_back, moves))
    for each in moves:
        each.check(receiver)


class FaultyMoves:
    """The moves of a product from one side to another and back; a seed says what goes wrong."""

    def __init__(self, product: MovingProduct, one: Side, two: Side, seed: int) -> None:
        self.one, self.two = one, two
        self._product = product
        self._chance = random.Random(seed)

    def begin(self) -> None:
        """Have the first side run ticks, and find the other one away."""
        self.one.begin()
        wait_for(lambda: bool(self._built(self.one)), LONG)
        code, told = self._migrate(self.one, self.two)
        assert code == 3, told

    def go_and_come_back(self) -> None:
        one, two = self.one, self.two
        self._move(one, two, "apply")
        self._work(two)
        self._move(two, one, "rollback")
        self._work(one)
        self._last = max(run.tick for run in one.ended())
        wait_for(lambda: not (one.is_running() or two.is_running()), LONG)
        self._runs = {side.name: side.ended() for side in (one, two)}
        self._unbegun = [tick for side in (one, two) for tick in side.failed_to_begin()]

    def _move(self, source: Side, target: Side, command: str) -> None:
        """Move the job, past a kill of the command and a fault, as often as it takes."""
        step, after = self._chance.choice(STEPS), self._chance.uniform(0, 12)
        words = ("--to", target.name, "--from", source.name) if command == "apply" else ()
        self._say(f"{command} to {target.name} is killed {after:.0f} s after {step!r}")
        self._kill_once_told(step, command, *words, after=after)
        strike = self._fault(source, target)
        wait = self._chance.uniform(0, 25)
        with ThreadPoolExecutor(1) as pool:
            move = pool.submit(self._migrate, source, target)
            time.sleep(wait)
            strike()
            code, told = move.result()
        while code:
            self._say(told)
            # Whatever is away comes back, and the move goes on.
            assert code == 3, told
            code, told = self._migrate(source, target)
        assert f"{self._product.name}: moved to {target.name}" in told, told

    def _kill_once_told(self, step: str, command: str, *words: str, after: float) -> None:
        while True:
            try:
                self._product.kill_once_told(step, command, *words, "--margin", "30", after=after)
            except AssertionError as error:
                # An orchestrator did not answer in time, so the move goes on with another call.
                if "could not be queried" not in str(error):
                    raise
            else:
                return

    def _work(self, side: Side) -> None:
        """Have a fault happen while a side has the job; wait for two ticks after it."""
        if self._chance.random() < 0.5:
            wait_for(side.is_running, LONG)
        self._fault(side)()
        since = datetime.now(UTC)
        wait_for(lambda: len([t for t in self._built(side) if t > since]) >= 2, LONG)

    def _fault(self, *sides: Side) -> Callable[[], None]:
        """Return what makes something go wrong, in one of the sides or with the store."""
        found = [(side, fault) for side in sides for fault in side.faults]
        side, fault = self._chance.choice([*found, (None, STORE)])
        # The store is away for more than a minute, so that a tick comes meanwhile.
        seconds = self._chance.uniform(5, 60) if side else self._chance.uniform(60, 75)
        self._say(f"{side.name if side else 'both'}: {fault} for {seconds:.0f} s")
        return lambda: side.strike(fault, seconds) if side else self._lose_store(seconds)

    def _lose_store(self, seconds: float) -> None:
        """Take the folder of schedules and claims away for a while."""
        here, away = self._product.store, self._product.folder / "store-away"
        here.rename(away)
        time.sleep(seconds)
        away.rename(here)

    def _migrate(self, source: Side, target: Side) -> tuple[int, str]:
        words = ("--to", target.name, "--from", source.name, "--margin", "30")
        return self._product.migrate("apply", *words)

    def _built(self, side: Side) -> list[datetime]:
        return [run.tick for run in side.ended() if run.state == "success"]

    def check(self, receiver: AlertReceiver) -> None:
        """Compare rows, runs, claims and alerts with the ticks that there were, and plain dbt."""
        last, name = self._last, self._product.name
        of_all = [run for found in self._runs.values() for run in found if run.tick <= last]
        rows = [tick for tick in self._product.ticks("built_at") if tick <= last]
        first = min(each.tick for each in of_all)
        ticks = ticks_between("* * * * *", "UTC", first, last + EACH_MINUTE)
        fail = [tick for tick in ticks if tick.minute % 5 == FAILS]
        assert rows == [tick for tick in ticks if tick not in fail]

        begun = {each.tick: side for side, found in self._runs.items() for each in found}
        assert sorted(each.tick for each in of_all) == ticks
        assert sorted(each.tick for each in of_all if each.state == "failed") == fail

        claims = claims_of(self.one.artifacts, name)
        claimed = [tick for tick in ticks if tick >= min(claims)]
        assert {tick: claims[tick].orchestrator for tick in claimed} == {
            tick: begun[tick] for tick in claimed
        }
        assert_one_owner_after_the_other([claims[tick] for tick in claimed])
        assert _tables(self._product.tables, last) == _tables(self._build_plainly(ticks), last)

        def told() -> list[datetime]:
            return sorted(tick for tick in _ticks_of_alerts(receiver, name) if tick <= last)

        # A run that failed to begin is a failed run, too.
        red = sorted([*fail, *(tick for tick in self._unbegun if tick <= last)])
        wait_a_while_for(lambda: len(told()) >= len(red), 60)
        # Another one may come.
        time.sleep(1)
        assert told() == red, f"{told()} instead of {red}"

    def _build_plainly(self, ticks: Sequence[datetime]) -> Path:
        """Build the ticks with dbt, one after the other, and return where the tables are."""
        name = self._product.name
        folder = self._product.folder / "plain"
        tables = folder / "tables.duckdb"
        files = {"dbt_project.yml": f"name: {name}\nversion: 1.0.0\nprofile: {name}\n"}
        files["profiles.yml"] = PROFILE.replace("NAME", name)
        for path, text in {**files, **self._product.files}.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        for tick in ticks:
            given = json.dumps({"floe_nominal_time": tick.isoformat()})
            words = ("-q", "build", "--profiles-dir", ".", "--vars", given)
            dbt(*words, cwd=folder, check=False, TABLES=str(tables))
        return tables

    def _say(self, text: str) -> None:
        print(f"{datetime.now(UTC):%H:%M:%S} {self._product.name}: {text}", flush=True)


def _tables(file: Path, last: datetime) -> dict[str, list[tuple[object, ...]]]:
    """Return the rows of both tables until a tick, without the times at which they were built."""
    query = "select {} from {} where nominal_time <= '{}' order by 1"
    columns = {"ticks": "nominal_time", "so_far": "*"}
    with duckdb.connect(str(file), read_only=True) as connection:
        return {
            table: connection.execute(query.format(names, table, last.isoformat())).fetchall()
            for table, names in columns.items()
        }


def assert_one_owner_after_the_other(claims: list[Claim]) -> None:
    """Check that claims, in the order of their ticks, are those of one owner after the other."""
    epochs = [claim.epoch for claim in claims]
    assert epochs == sorted(epochs)
    assert len({(claim.epoch, claim.orchestrator) for claim in claims}) == len(set(epochs))
    assert epochs[-1] == 3


def _ticks_of_alerts(receiver: AlertReceiver, product: str) -> Iterator[datetime]:
    for alert in [each for each in receiver.posted if each["title"].startswith(f"{product}: ")]:
        found = TICK_OF_ALERT.search(alert["message"])
        assert found, alert
        yield datetime.fromisoformat(f"{found[1]}+00:00")
