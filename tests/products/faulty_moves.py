"""A product moves between two orchestrators while processes die and the store is away, by a seed."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Protocol

from alert_receiver import AlertReceiver
from moving_product import JOB, Built, MovingProduct
from wait_for import wait_for

from floe_core.schedules import ticks_between
from floe_core.schedules.claims import Claim, claims_of
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

EACH_MINUTE = timedelta(minutes=1)
ALERTS = "FLOE_TEST_ALERTS"
SPEC = f"""\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {{name: mover, version: 1.0.0, owner: data@example.com}}
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
}
# A move is killed some seconds after one of these.
STEPS = (
    "starts none of it yet",
    "runs what comes before",
    "may just be starting",
    "owns it (epoch",
)
STORE = "store"
TICK_OF_ALERT = re.compile(r"nominal time: (\S+ \S+) UTC")


class Side(Protocol):
    """An orchestrator with the product, and what can happen to it."""

    name: str
    faults: tuple[str, ...]
    artifacts: CompiledArtifacts

    def up(self) -> AbstractContextManager[None]:
        """Run it while the block does."""

    def begin(self) -> None:
        """Let it start ticks."""

    def strike(self, fault: str, seconds: float) -> None:
        """Have a fault happen, which lasts so long."""

    def ended(self) -> list[Built]:
        """Return the runs that built something, as its own records have them."""

    def is_running(self) -> bool:
        """Return whether a run is under way."""


class FaultyMoves:
    """Moves from one side to another and back; a seed says what goes wrong."""

    def __init__(self, product: MovingProduct, one: Side, two: Side, seed: int) -> None:
        self._product, self._one, self._two = product, one, two
        self._chance = random.Random(seed)

    def play(self, receiver: AlertReceiver) -> None:
        one, two = self._one, self._two
        with one.up():
            one.begin()
            wait_for(lambda: bool(self._built(one)), 400)
            code, told = self._migrate(one, two)
            assert code == 3, told
            with two.up():
                self._move(one, two, "apply")
                self._work(two)
                self._move(two, one, "rollback")
                self._work(one)
                last = max(run.tick for run in one.ended())
                wait_for(lambda: not (one.is_running() or two.is_running()), 200)
                runs = {side.name: side.ended() for side in (one, two)}
        self._check(runs, last, receiver)

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
        assert f"mover: moved to {target.name}" in told, told

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
            wait_for(side.is_running, 200)
        self._fault(side)()
        since = datetime.now(UTC)
        wait_for(lambda: len([t for t in self._built(side) if t > since]) >= 2, 600)

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

    def _check(self, runs: dict[str, list[Built]], last: datetime, receiver: AlertReceiver) -> None:
        of_all = [each for found in runs.values() for each in found if each.tick <= last]
        rows = [tick for tick in self._product.ticks("built_at") if tick <= last]
        first = min(each.tick for each in of_all)
        ticks = ticks_between("* * * * *", "UTC", first, last + EACH_MINUTE)
        fail = [tick for tick in ticks if tick.minute % 5 == FAILS]
        assert rows == [tick for tick in ticks if tick not in fail]

        begun = {each.tick: name for name, found in runs.items() for each in found}
        assert sorted(each.tick for each in of_all) == ticks
        assert sorted(each.tick for each in of_all if each.state == "failed") == fail

        claims = claims_of(self._one.artifacts, JOB)
        claimed = [tick for tick in ticks if tick >= min(claims)]
        assert {tick: claims[tick].orchestrator for tick in claimed} == {
            tick: begun[tick] for tick in claimed
        }
        assert_one_owner_after_the_other([claims[tick] for tick in claimed])

        receiver.wait_for(len(fail), 60)
        told = sorted(_ticks_of_alerts(receiver))
        assert [tick for tick in told if tick <= last] == fail

    def _say(self, text: str) -> None:
        print(f"{datetime.now(UTC):%H:%M:%S} {text}", flush=True)


def assert_one_owner_after_the_other(claims: list[Claim]) -> None:
    """Check that claims, in the order of their ticks, are those of one owner after the other."""
    epochs = [claim.epoch for claim in claims]
    assert epochs == sorted(epochs)
    assert len({(claim.epoch, claim.orchestrator) for claim in claims}) == len(set(epochs))
    assert epochs[-1] == 3


def _ticks_of_alerts(receiver: AlertReceiver) -> Iterator[datetime]:
    for alert in receiver.posted:
        found = TICK_OF_ALERT.search(alert["message"])
        assert found, alert
        yield datetime.fromisoformat(f"{found[1]}+00:00")
