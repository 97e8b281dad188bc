"""A history of partitions on each orchestrator: what runs it, and what it says of partitions itself."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import pytest
from partition_histories import TEST, Attempts, Product, Replay, Step, World
from warm_floe import floe

from floe_core.compiler import compile_product

MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: ORCHESTRATOR, config: CONFIG}
  compute: {type: duckdb, config: {path: "{product_slug}.duckdb", threads: THREADS}}
observability: {lineage: {enabled: false}}
"""
FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: NAME, version: 1.0.0}
platform: {manifest: manifest.yaml}
"""
# What runs in this process's dbt, which knows one at a time.
COMPILING = Lock()
TO_END = 180.0


Kill = Callable[[], None]
# What something is, what it is found to be, and what it should be.
Claim = tuple[str, object, object]


class Side(Protocol):
    """An orchestrator that runs the steps of histories."""

    name: str

    def add(self, product: Product, folder: Path) -> None:
        """Take up a product that was compiled for the first time."""

    def changed(self, product: Product, folder: Path) -> None:
        """Take up a product that was compiled again."""

    def run(self, product: Product, folder: Path, step: Step, kill: Kill | None) -> bool:
        """Run a step with its own retries; return whether the run succeeded.

        `kill` waits for the process that hangs, and kills it.
        """

    def retry(self, product: Product, folder: Path) -> bool:
        """Retry the last run, which failed, by hand; return whether it succeeded then."""

    def claims(
        self, replay: Replay, folder: Path, step: Step, attempts: Attempts
    ) -> Iterator[Claim]:
        """Yield what the orchestrator itself says of the partitions, and what it should say."""


def write_product(folder: Path, product: Product, side: Side) -> World:
    """Write a product for an orchestrator, and the data that is there before a history."""
    for name in ("models", "macros", "tests"):
        (folder / name).mkdir(parents=True)
    config = "{partition_keys: true}" if side.name == "airflow" and product.has_keys else "{}"
    manifest = MANIFEST.replace("ORCHESTRATOR", side.name).replace("CONFIG", config)
    manifest = manifest.replace("THREADS", str(product.threads))
    texts = {
        "manifest.yaml": manifest,
        "floe.yaml": FLOE.replace("NAME", product.name) + product.floe,
        **product.files(),
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    world = World(folder, product)
    world.prepare()
    return world


def shown_states(product: Product, folder: Path) -> dict[str, list[str]]:
    """Return node -> its states, as `floe partitions --json` shows them."""
    done = floe("partitions", folder, "--to", product.periods[-1].key, "--json")
    assert done.returncode == 0, done.stderr
    nodes = json.loads(done.stdout)["nodes"]
    return {
        name: [*nodes[f"{kind}.{product.name}.{name}"]["partitions"].values()]
        for name in product.nodes
        for kind in ["test" if name == TEST else "model"]
    }


def readers_of(pipe: Path) -> list[int]:
    """Return the ids of the processes that have a pipe open."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            links = [str(each.readlink()) for each in (process / "fd").iterdir()]
        except OSError:
            continue
        if str(pipe) in links:
            found.append(int(process.name))
    return found


def kill_reader(pipe: Path, go_on: Callable[[], None]) -> None:
    """Kill the process that reads a pipe, when there is one; no other is to find it there."""
    deadline = time.monotonic() + TO_END
    while True:
        try:
            writer = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
            break
        except OSError:
            assert time.monotonic() < deadline, f"nobody reads {pipe}"
            time.sleep(0.05)
    # States of partitions are written within a second.
    time.sleep(1.5)
    readers = readers_of(pipe)
    go_on()
    for reader in readers:
        if reader != os.getpid():
            os.kill(reader, signal.SIGKILL)
    os.close(writer)


def forked(target: Any, *arguments: Any, kill: Kill | None = None) -> int | None:
    """Call a function in a process of its own, and return its exit code."""
    given = (dict(os.environ), target, arguments)
    process: BaseProcess = _forks().Process(target=_call, args=given)
    process.start()
    if kill is not None:
        kill()
    process.join(TO_END)
    assert process.exitcode is not None, "it hangs"
    return process.exitcode


@cache
def _forks() -> ForkServerContext:
    """Start the server of forks."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["warm_forks"])
    with pytest.MonkeyPatch.context() as patch:
        # It ignores `sys.path` of this process (Python 3.11), so it is told where `warm_forks` is.
        patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        forkserver.ensure_running()
    return context


def _call(environment: dict[str, str], target: Any, arguments: tuple[Any, ...]) -> None:
    """Call a function in today's environment: the server of forks has that of its own start."""
    os.environ.clear()
    os.environ.update(environment)
    target(*arguments)


def periods_shown_until(product: Product, moment: datetime | None = None) -> list[str]:
    """Return the keys of the periods after those of the history that a run may build at a time."""
    number = product.calendar.number_begun(moment or datetime.now(UTC))
    number -= product.builds == "previous"
    return [each.key for each in product.calendar.periods(number)[len(product.periods) :]]


def play(sides: Sequence[Side], product: Product, folder: Path, steps: Sequence[Step]) -> None:
    """Play a history on all sides and by plain dbt, and compare everything after each step."""
    worlds = [write_product(folder / each.name / product.name, product, each) for each in sides]
    for side, world in zip(sides, worlds, strict=True):
        compile_product(world.folder)
        side.add(product, world.folder)
    replay = Replay(product, worlds[0].folder, folder / "plain" / product.name)
    with ThreadPoolExecutor(len(sides) + 1) as threads:
        for number, step in enumerate(steps):
            replayed = threads.submit(replay.run, step, number)
            played = [
                threads.submit(play_step, side, world, step, number)
                for side, world in zip(sides, worlds, strict=True)
            ]
            attempts = replayed.result()
            for side, world, succeeded in zip(sides, worlds, played, strict=True):
                told = f"{side.name}, {product}, step {number}: {step}"
                assert_same(told, "success", succeeded.result(), not attempts[-1])
                assert_same(told, "tables", world.rows(), replay.world.rows())
                states = shown_states(product, world.folder)
                assert_same(told, "states", states, replay.states(step))
                for what, found, expected in side.claims(replay, world.folder, step, attempts):
                    assert_same(told, what, found, expected)


def play_step(side: Side, world: World, step: Step, number: int) -> bool:
    """Run a step on a side, and return whether its run succeeded in the end."""
    product, folder = world.product, world.folder
    if world.change(step, number):
        with COMPILING:
            compile_product(folder)
        side.changed(product, folder)
    succeeded = side.run(product, folder, step, killer(world, step))
    if not succeeded and step.is_retried:
        world.write_faults([])
        return side.retry(product, folder)
    return succeeded


def assert_same(told: str, what: str, found: object, expected: object) -> None:
    """Fail with the history and both values if they differ."""
    if isinstance(found, dict) and isinstance(expected, dict):
        names = [n for n in {**found, **expected} if found.get(n) != expected.get(n)]
        found, expected = ({n: each.get(n) for n in names} for each in (found, expected))
    assert found == expected, f"{told}: {what}: {found}, and not {expected}"


def killer(world: World, step: Step) -> Kill | None:
    """Return what kills the run of a step where it hangs, None if it does not."""
    fault = step.killed_at
    if fault is None:
        return None
    pipe = world.stop_at(fault)

    def kill() -> None:
        kill_reader(pipe, lambda: world.go_on(fault))

    return kill
