"""Microbatch models build the batches that plain dbt builds at the time that a run is for."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from microbatch_product import PlainDbt, models, rows_of
from plain_shop import FLOE

from floe_core.compiler import compile_product
from floe_core.execution import BuildEnded, BuildRequest, RunParameters, build
from floe_core.schemas import CompiledArtifacts

WriteProduct = Callable[..., Path]

DBT = Path(sys.executable).parent / "dbt"
AS_PROGRAM = FLOE + f"execution: {{dbtExecutable: {DBT}}}\n"


def compiled(folder: Path) -> CompiledArtifacts:
    compile_product(folder)
    return CompiledArtifacts.load(folder)


def end_of(artifacts: CompiledArtifacts, request: BuildRequest) -> BuildEnded:
    """Build, and return how that ended."""
    *_, end = build(artifacts, request)
    assert isinstance(end, BuildEnded)
    return end


def ticks_of(seed: int) -> Iterator[datetime]:
    """Yield times of any order, on the boundaries of batches and between them."""
    drawn = random.Random(seed)
    for start in ("2026-11-03", "2026-11-04", "2026-10-31"):
        day = datetime.fromisoformat(start).replace(tzinfo=UTC)
        yield day + timedelta(minutes=drawn.choice([0, 1, 60, 90, 12 * 60, 23 * 60 + 59]))


@pytest.mark.parametrize(("floe", "seed"), [(FLOE, 1), (AS_PROGRAM, 2)])
def test_a_run_builds_the_batches_of_its_tick(
    write_product: WriteProduct, tmp_path: Path, floe: str, seed: int
) -> None:
    folder, plain = write_product(floe=floe, **models()), PlainDbt(tmp_path / "plain")
    artifacts = compiled(folder)
    for number, tick in enumerate(ticks_of(seed)):
        refreshes = number == 1
        parameters = RunParameters(full_refresh=refreshes)
        end = end_of(
            artifacts, BuildRequest("shop", str(number), nominal_time=tick, parameters=parameters)
        )
        assert end.succeeded, end.message
        plain.build(tick, full_refresh=refreshes)
        found, expected = rows_of(folder / "shop.duckdb"), rows_of(plain.folder / "shop.duckdb")
        assert {name for name in found if found[name] != expected[name]} == set(), tick


def test_a_program_that_does_not_take_the_time_builds_no_batch(
    write_product: WriteProduct, tmp_path: Path
) -> None:
    wrapper = tmp_path / "dbt"
    wrapper.write_text(f'#!/bin/sh\nunset PYTHONPATH\nexec {DBT} "$@"\n')
    wrapper.chmod(0o755)
    given = {name: models()[name] for name in ("events", "of_day")}
    product = write_product(floe=FLOE + f"execution: {{dbtExecutable: {wrapper}}}\n", **given)
    artifacts = compiled(product)
    tick = datetime(2026, 11, 3, 2, tzinfo=UTC)
    late = end_of(artifacts, BuildRequest("shop", "late", nominal_time=tick))
    assert not late.succeeded
    assert "cannot build the batches of another time than now" in late.message
    assert end_of(artifacts, BuildRequest("shop", "by-hand")).succeeded
