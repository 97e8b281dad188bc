"""Random histories of a product built by day: tables and states are those of a replay by dbt."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from partition_histories import (
    FIRST,
    LAST,
    PARENTS,
    PARTITIONS,
    Replay,
    Step,
    history,
    models,
    prepare,
    write_faults,
    write_world,
)
from partitioned_product import days_from, rows_of
from plain_shop import FLOE

from floe_core.compiler import compile_product
from floe_core.execution import BuildEnded, BuildRequest, RunParameters, build
from floe_core.partitions.standing import standings
from floe_core.partitions.store import store_of
from floe_core.runs.build_events import PartitionResult
from floe_core.schemas import CompiledArtifacts

WriteProduct = Callable[..., Path]


def build_once(
    artifacts: CompiledArtifacts, step: Step, run_id: str, attempt: int, stops_at: int
) -> bool:
    """Build, or cancel after so many results; return whether it succeeded."""
    tick = None if step.tick is None else datetime.combine(step.tick, datetime.min.time(), UTC)
    request = BuildRequest(
        "shop",
        run_id,
        attempt=attempt,
        nominal_time=tick,
        parameters=RunParameters(partitions=step.named),
    )
    results = 0
    events = build(artifacts, request)
    for event in events:
        results += isinstance(event, PartitionResult)
        if stops_at and results >= stops_at:
            events.close()
            return False
    assert isinstance(event, BuildEnded)
    return event.succeeded


def run(folder: Path, step: Step, number: int) -> tuple[CompiledArtifacts, bool]:
    write_world(folder, step, number, step.faults)
    compile_product(folder)
    artifacts = CompiledArtifacts.load(folder)
    succeeded = build_once(artifacts, step, str(number), 1, step.stops_at)
    if not succeeded and step.is_retried:
        write_faults(folder, [])
        succeeded = build_once(artifacts, step, str(number), 2, 0)
    return artifacts, succeeded


def states(artifacts: CompiledArtifacts) -> dict[str, list[str]]:
    assert artifacts.partitions is not None
    ids = [f"model.shop.{name}" for name in PARENTS]
    records = store_of(artifacts).read(artifacts.partitions)
    found = standings(artifacts, records, ids, days_from(FIRST, LAST))
    return {node_id.split(".")[2]: [*each] for node_id, each in found.items()}


def play(write_product: WriteProduct, tmp_path: Path, seed: int, length: int) -> None:
    # A fault is of one day, and a call for several would fail for all of them.
    by = "tick" if seed % 2 else "1"
    folder = write_product(floe=FLOE + PARTITIONS % by, **models())
    prepare(folder)
    # The copy has its profile.
    compile_product(folder)
    replay = Replay(folder, tmp_path / "plain")
    for number, step in enumerate(history(seed, length)):
        artifacts, succeeded = run(folder, step, number)
        assert succeeded == replay.run(step, number), (number, step)
        found, expected = (rows_of(each / "shop.duckdb") for each in (folder, replay.folder))
        assert found == expected, (number, step)
        assert states(artifacts) == replay.states(step), (number, step)


@pytest.mark.parametrize("seed", range(2))
def test_tables_and_states_are_those_of_a_replay(
    write_product: WriteProduct, tmp_path: Path, seed: int
) -> None:
    play(write_product, tmp_path, seed, 4)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 62))
def test_tables_and_states_of_long_histories_are_those_of_a_replay(
    write_product: WriteProduct, tmp_path: Path, seed: int
) -> None:
    play(write_product, tmp_path, seed, 8)
