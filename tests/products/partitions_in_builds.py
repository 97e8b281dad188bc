"""Histories of partitions without an orchestrator: builds in processes of their own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from partition_histories import Attempts, Product, Replay, Step
from partition_sides import Claim, Kill, forked

from floe_core.execution import BuildEnded, BuildRequest, RunParameters, build
from floe_core.schemas import CompiledArtifacts


def build_until_it_succeeds(
    folder: str, run_id: str, tick: datetime | None, named: str, attempts: range
) -> None:
    """Build a run in so many attempts; the exit code is 1 if none succeeded."""
    artifacts = CompiledArtifacts.load(Path(folder))
    for attempt in attempts:
        request = BuildRequest(
            Path(folder).name,
            run_id,
            attempt=attempt,
            nominal_time=tick,
            parameters=RunParameters(partitions=named),
        )
        *_, end = build(artifacts, request)
        assert isinstance(end, BuildEnded)
        if end.succeeded:
            return
    raise SystemExit(1)


class Builds:
    """Builds alone, each run in a process of its own."""

    # A command that shows the states finds no plugin of a test.
    name = "dagster"

    def __init__(self) -> None:
        self._runs = 0

    def add(self, product: Product, folder: Path) -> None:
        """Nothing: each run reads what is compiled."""

    changed = add

    def run(self, product: Product, folder: Path, step: Step, kill: Kill | None) -> bool:
        self._runs += 1
        self._for = (step.tick, step.named)
        return self._build(folder, range(1, product.retries + 2), kill)

    def retry(self, product: Product, folder: Path) -> bool:
        return self._build(folder, range(product.retries + 2, product.retries + 3))

    def claims(
        self, replay: Replay, folder: Path, step: Step, attempts: Attempts
    ) -> Iterator[Claim]:
        """Yield nothing: there is nobody to ask."""
        yield from ()

    def _build(self, folder: Path, attempts: range, kill: Kill | None = None) -> bool:
        arguments = (str(folder), str(self._runs), *self._for, attempts)
        return forked(build_until_it_succeeds, *arguments, kill=kill) == 0
