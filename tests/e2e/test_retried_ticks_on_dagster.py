"""Dagster retries a run that was killed, and the runs of later ticks are built after the retry."""

from __future__ import annotations

from pathlib import Path

import pytest
from moving_dagster import DagsterOfMoves, MovingDagster
from moving_product import SPEC, MovingProduct
from wait_for import wait_for
from waiting_step import kill_run

# The first step takes until the next tick, all others a second.
SLEEP = "test -e began && exec sleep 1; touch began; exec sleep 100"
SLOW_AT_FIRST = SPEC.replace('[sleep, "8"]', f'[sh, -c, "{SLEEP}"]')
LIMIT = """\
concurrency:
  runs:
    tag_concurrency_limits:
      - {key: floe/product, value: {applyLimitPerUniqueValue: true}, limit: 1}
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("limits", [LIMIT, ""], ids=["one-at-once", "no-limit"])
def test_a_later_tick_does_not_overtake_a_retry(tmp_path: Path, limits: str) -> None:
    product = MovingProduct(tmp_path, SLOW_AT_FIRST)
    dagster = MovingDagster(product, DagsterOfMoves(tmp_path / "home", limits=limits))
    with dagster.up():
        wait_for(lambda: len(dagster.runs()) == 2, 300)
        kill_run(dagster.artifacts.folder)
        wait_for(lambda: len(dagster.built()) >= 4, 400)
        first = min(tick for tick, _ in dagster.runs())
    ticks = product.ticks("rowid")
    assert ticks == sorted(set(ticks))
    assert ticks[0] == first
