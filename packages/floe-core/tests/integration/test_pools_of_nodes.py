"""Nodes that wait for slots of a pool, in real builds; the pool is a counter of this test's own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from pooled_product import POOL, compiled_pooled, most_at_once, pooled_of, read_spans
from wait_for import wait_a_while_for

from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, build
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.runs.build_events import BuildEnded, BuildEvent, NodeLog, NodeResult, NodeStarted
from floe_core.runs.build_request import POLL_SECONDS, SlotAnswer
from floe_core.schemas import CompiledArtifacts


class CountedSlots:
    """So many slots; `claims` are the nodes that got one, `others` is how many somebody else has."""

    def __init__(self, slots: int = 1, others: int = 0) -> None:
        self._free = slots - others
        self._lock = threading.Lock()
        self.claims: list[str] = []
        self.holders: set[str] = set()

    def try_claim(self, pool: str, node_id: str) -> SlotAnswer:
        assert pool == POOL
        with self._lock:
            if self._free == 0:
                return "full"
            self._free -= 1
            self.claims.append(node_id)
            self.holders.add(node_id)
            return "claimed"

    def free(self, pool: str, node_id: str) -> None:
        with self._lock:
            if node_id in self.holders:
                self.holders.remove(node_id)
                self._free += 1

    def give_one(self) -> None:
        with self._lock:
            self._free += 1

    def how_to_limit(self, pool: str) -> str:
        return "count"


class NoSlots(CountedSlots):
    def try_claim(self, pool: str, node_id: str) -> SlotAnswer:
        raise EnvironmentProblemError("nobody counts")


class EndlessSlots(CountedSlots):
    def try_claim(self, pool: str, node_id: str) -> SlotAnswer:
        return "unlimited"


Compiled = Callable[..., CompiledArtifacts]


@pytest.fixture
def compiled(tmp_path: Path) -> Compiled:
    def compile_it(**more: object) -> CompiledArtifacts:
        return compiled_pooled(tmp_path / "shop", "shop", "plain", tmp_path / "spans", **more)  # type: ignore[arg-type]

    return compile_it


def run(artifacts: CompiledArtifacts, slots: CountedSlots) -> list[BuildEvent]:
    return list(build(artifacts, BuildRequest("shop", "run-1"), slots))


def results(events: list[BuildEvent]) -> dict[str, NodeResult]:
    return {e.unique_id.rpartition(".")[2]: e for e in events if isinstance(e, NodeResult)}


def texts(events: list[BuildEvent], level: str) -> list[str]:
    return [e.text for e in events if isinstance(e, NodeLog) and e.level == level]


def test_one_node_of_a_pool_runs_at_a_time_and_others_beside_it(
    compiled: Compiled, tmp_path: Path
) -> None:
    slots = CountedSlots()
    artifacts = compiled(seconds=3.0)
    events = run(artifacts, slots)
    assert events[-1] == BuildEnded(True)
    spans = read_spans(tmp_path / "spans")
    assert (len(spans), most_at_once(pooled_of(spans)), most_at_once(spans)) == (4, 1, 2)
    assert slots.holders == set()
    told = [text for text in texts(events, "info") if "slot of pool" in text]
    assert [text.split(" after")[0] for text in sorted(told)] == [
        *["has a slot of pool heavy"] * 2,
        *["waits for a slot of pool heavy"] * 2,
    ]
    # Neither the beginning nor the length of what waited counts the wait.
    first, *_ = pooled_of(spans)
    for before, span in pairwise(pooled_of(spans)):
        result, wait = results(events)[span.name], timedelta(seconds=span.begin - first.begin)
        assert result.started_at
        assert result.ended_at
        assert before.end <= result.started_at.timestamp() <= span.begin
        assert result.started_at + timedelta(seconds=result.seconds) < result.ended_at + wait / 2


def test_two_slots_hold_two(compiled: Compiled, tmp_path: Path) -> None:
    run(compiled(free=0), CountedSlots(2))
    assert most_at_once(read_spans(tmp_path / "spans")) == 2


def test_the_wait_is_no_part_of_a_nodes_own_time(compiled: Compiled, tmp_path: Path) -> None:
    artifacts = compiled(free=0, pooled=1, seconds=0.1)
    project = artifacts.folder / "dbt_project.yml"
    project.write_text(project.read_text().replace("{pool:", "{timeoutSeconds: 5, pool:"))
    slots = CountedSlots(others=1)
    threading.Timer(8.0, slots.give_one).start()
    assert run(compile_product(artifacts.folder), slots)[-1] == BuildEnded(True)


def goes_on_waiting(slots: CountedSlots) -> bool:
    """Whether somebody takes a slot that is free from now on."""
    slots.give_one()
    wait_a_while_for(lambda: slots.claims != [], 2 * POLL_SECONDS, every=0.1)
    return slots.claims != []


def test_a_cancel_ends_the_wait_and_nothing_has_begun(compiled: Compiled, tmp_path: Path) -> None:
    slots = CountedSlots(others=1)
    with closing(build(compiled(free=0), BuildRequest("shop", "run-1"), slots)) as events:
        for event in events:
            if isinstance(event, NodeLog) and "waits for a slot" in event.text:
                break
    assert not goes_on_waiting(slots)
    assert read_spans(tmp_path / "spans") == []


def test_a_timeout_of_the_build_ends_the_wait(compiled: Compiled, tmp_path: Path) -> None:
    slots = CountedSlots(others=1)
    artifacts = compiled(free=1, seconds=0.1, more="execution: {timeoutSeconds: 6}\n")
    end = run(artifacts, slots)[-1]
    assert isinstance(end, BuildEnded)
    assert (end.succeeded, end.message) == (False, "timed out after 6 s")
    assert [span.name for span in read_spans(tmp_path / "spans")] == ["shop_free_0"]
    assert slots.holders == set()


def test_a_node_that_gets_no_answer_fails_and_others_are_built(compiled: Compiled) -> None:
    events = run(compiled(pooled=1), NoSlots())
    found = results(events)
    assert found["shop_free_0"].status == "success"
    assert found["shop_pooled_0"].status == "error"
    assert "nobody counts" in found["shop_pooled_0"].message


def test_a_pool_without_a_limit_is_told_once(compiled: Compiled, tmp_path: Path) -> None:
    events = run(compiled(free=0), EndlessSlots())
    assert events[-1] == BuildEnded(True)
    told = [text for text in texts(events, "warn") if POOL in text]
    assert told == ["pool heavy holds nothing back: count"]


def test_what_a_failure_skips_takes_no_slot(compiled: Compiled) -> None:
    artifacts = compiled(pooled=0)
    models = artifacts.folder / "models"
    (models / "bad.sql").write_text("select no_such_column")
    (models / "pooled").mkdir()
    (models / "pooled" / "below.sql").write_text("select * from {{ ref('bad') }}")
    slots = CountedSlots(others=1)
    events = run(compile_product(artifacts.folder), slots)
    assert {name: result.status for name, result in results(events).items()} == {
        "bad": "error",
        "below": "skipped",
        "shop_free_0": "success",
    }


STEPS = """\
execution: {stepThreads: 3}
steps:
  - {name: one, python: "work:work", writes: [x.one], pool: heavy}
  - {name: two, python: "work:work", writes: [x.two], pool: heavy}
  - {name: three, python: "work:work", writes: [x.three]}
"""
WORK = """\
import os, time

def note(what):
    with open(SPANS, "a") as file:
        file.write(f"{os.environ['FLOE_STEP']} {what} {time.time()}\\n")

def work():
    note("begin")
    time.sleep(1.5)
    note("end")
"""


def test_steps_wait_as_well(compiled: Compiled, tmp_path: Path) -> None:
    artifacts = compiled(pooled=0, free=0, more=STEPS)
    (artifacts.folder / "work.py").write_text(WORK.replace("SPANS", repr(str(tmp_path / "spans"))))
    slots = CountedSlots()
    assert run(artifacts, slots)[-1] == BuildEnded(True)
    spans = read_spans(tmp_path / "spans")
    in_pool = [span for span in spans if span.name != "three"]
    assert (len(spans), most_at_once(in_pool), most_at_once(spans)) == (3, 1, 2)
    assert slots.holders == set()


def test_a_cancel_ends_the_wait_of_a_step(compiled: Compiled, tmp_path: Path) -> None:
    artifacts = compiled(pooled=0, free=0, more=STEPS)
    slots = CountedSlots(others=1)
    with closing(build(artifacts, BuildRequest("shop", "run-1"), slots)) as events:
        for event in events:
            if isinstance(event, NodeLog) and "waits for a slot" in event.text:
                break
    assert not goes_on_waiting(slots)


def test_a_node_begins_when_it_has_its_slot(compiled: Compiled, tmp_path: Path) -> None:
    events = run(compiled(free=0, pooled=2, seconds=1.5), CountedSlots())
    starts = [e.at for e in events if isinstance(e, NodeStarted)]
    first, _ = read_spans(tmp_path / "spans")
    assert len(starts) == 2
    assert first.end <= max(starts).timestamp()
