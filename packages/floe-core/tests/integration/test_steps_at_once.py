"""Steps that run at the same time, by the times that they themselves have written down."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from wait_for import wait_for

from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, build
from floe_core.execution.record.journal import read_events
from floe_core.runs.build_events import BuildEnded, BuildEvent, NodeResult, NodeStarted
from floe_core.schemas import CompiledArtifacts

WriteProduct = Callable[..., Path]
# a, b and c wait for nothing; d waits for a and b; e for the model, which waits for c.
FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: shop, version: 1.0.0}
platform: {manifest: manifest.yaml}
execution: {stepThreads: THREADS, retries: RETRIES, retryDelaySeconds: 0}
steps:
  - {name: a, command: [python, work.py, a], writes: [of_a]}
  - {name: b, command: [python, work.py, b], writes: [of_b]}
  - {name: c, command: [python, work.py, c], writes: [raw.orders], TIMEOUT}
  - {name: d, command: [python, work.py, d], reads: [of_a, of_b]}
  - {name: e, command: [python, work.py, e], reads: [first]}
"""
SOURCES = "sources: [{name: raw, schema: main, tables: [{name: orders}]}]\n"
FIRST = "-- {{ source('raw', 'orders') }}\nselect 1 as id"
# Works for a while, and says when. A file named after a fault and the step has it happen.
WORK = """\
import os, sys, time
from pathlib import Path

name = sys.argv[1]
begin = time.time()
if Path(f"fails-{name}").exists() and os.environ["FLOE_ATTEMPT"] == "1":
    raise SystemExit(f"{name} fails")
time.sleep(600 if Path(f"hangs-{name}").exists() else 0.7)
with open("times.jsonl", "a") as file:
    file.write('["%s", %f, %f]\\n' % (name, begin, time.time()))
"""
IDS = {name: f"step.shop.{name}" for name in "abcde"}


@pytest.fixture
def shop(write_product: WriteProduct) -> Callable[..., CompiledArtifacts]:
    def made(threads: int, *faults: str, retries: int = 0, timeout: int = 0) -> CompiledArtifacts:
        text = FLOE.replace("THREADS", str(threads)).replace("RETRIES", str(retries))
        text = text.replace(", TIMEOUT", f", timeoutSeconds: {timeout}" if timeout else "")
        folder = write_product(floe=text, first=FIRST)
        (folder / "models" / "sources.yml").write_text(SOURCES)
        (folder / "work.py").write_text(WORK)
        for fault in faults:
            (folder / fault).touch()
        compile_product(folder)
        return CompiledArtifacts.load(folder)

    return made


def run(artifacts: CompiledArtifacts, attempt: int = 1) -> list[BuildEvent]:
    return list(build(artifacts, BuildRequest(job="shop", run_id="r", attempt=attempt)))


def statuses(events: list[BuildEvent]) -> dict[str, str]:
    results = (event for event in events if isinstance(event, NodeResult))
    return {event.unique_id.rpartition(".")[2]: event.status for event in results}


def times(artifacts: CompiledArtifacts) -> dict[str, tuple[float, float]]:
    lines = (artifacts.folder / "times.jsonl").read_text().splitlines()
    return {name: (begin, end) for name, begin, end in map(json.loads, lines)}


def most_at_once(spans: dict[str, tuple[float, float]]) -> int:
    return max(
        sum(begin <= moment < end for begin, end in spans.values()) for moment, _ in spans.values()
    )


@pytest.mark.parametrize(("threads", "at_once"), [(1, 1), (2, 2), (3, 3), (8, 3)])
def test_as_many_steps_run_at_once_as_may_and_each_after_what_it_needs(
    shop: Callable[..., CompiledArtifacts], threads: int, at_once: int
) -> None:
    artifacts = shop(threads)
    events = run(artifacts)
    assert statuses(events) == dict.fromkeys((*"abcde", "first"), "success")
    assert events[-1] == BuildEnded(succeeded=True)
    spans = times(artifacts)
    assert most_at_once(spans) == at_once
    assert spans["d"][0] >= max(spans["a"][1], spans["b"][1])
    [first] = [e for e in events if isinstance(e, NodeStarted) and e.unique_id.endswith("first")]
    assert first.at is not None
    # dbt runs alone.
    began, before = first.at.timestamp(), {*"abcd"}
    assert all(spans[name][1] <= began for name in before)
    assert spans["e"][0] >= began
    assert read_events(artifacts.folder, "r") == events


def test_a_failing_step_stops_what_is_below_it_and_not_those_beside_it(
    shop: Callable[..., CompiledArtifacts],
) -> None:
    artifacts = shop(3, "fails-a", retries=1)
    events = run(artifacts)
    passed = dict.fromkeys(("b", "c", "first", "e"), "success")
    assert statuses(events) == {**passed, "a": "error", "d": "skipped"}
    assert events[-1] == BuildEnded(succeeded=False, message="2 of 6 nodes: 1 error, 1 skipped")
    assert statuses(run(artifacts, attempt=2)) == {"a": "success", "d": "success"}
    assert [*times(artifacts)].count("b") == 1


def test_a_step_over_its_time_ends_alone(shop: Callable[..., CompiledArtifacts]) -> None:
    artifacts = shop(3, "hangs-c", timeout=2)
    events = run(artifacts)
    passed = dict.fromkeys("abd", "success")
    held = dict.fromkeys(("first", "e"), "skipped")
    assert statuses(events) == {**passed, **held, "c": "error"}
    [late] = [e for e in events if isinstance(e, NodeResult) and e.unique_id == IDS["c"]]
    assert late.message == "timed out after 2 s"


def test_a_canceled_build_stops_all_that_run(shop: Callable[..., CompiledArtifacts]) -> None:
    artifacts = shop(3, "hangs-a", "hangs-b", "hangs-c")
    with closing(build(artifacts, BuildRequest(job="shop", run_id="r"))) as events:
        begun = 0
        while begun < 3:
            begun += isinstance(next(events), NodeStarted)
        time.sleep(0.5)
        assert working_at(artifacts.folder) >= 3
    wait_for(lambda: not working_at(artifacts.folder))
    ended = statuses(read_events(artifacts.folder, "r"))
    assert ended == {
        **dict.fromkeys("abc", "error"),
        **dict.fromkeys(("d", "first", "e"), "skipped"),
    }


def working_at(folder: Path) -> int:
    """Return how many processes work on a step there."""
    count = 0
    for process in psutil.process_iter(["cmdline", "cwd", "status"]):
        at_work = "work.py" in (process.info["cmdline"] or ())
        is_here = process.info["cwd"] == str(folder)
        count += at_work and is_here and process.info["status"] != psutil.STATUS_ZOMBIE
    return count
