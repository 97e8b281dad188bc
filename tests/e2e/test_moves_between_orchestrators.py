"""A live product moves between any two orchestrators and back: each tick runs exactly once.

Meanwhile processes are killed and the store of schedules is away, by a seed. The truth is in the rows
that runs write, and in the orchestrators' own records of runs. `FLOE_TEST_HISTORIES` says how many
histories there are, and `FLOE_TEST_HISTORIES_FROM` the first one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import pytest
from alert_receiver import alert_receiver
from faulty_moves import ALERTS, FILES, SPEC, FaultyMoves
from moving_airflow import PASSWORD, MovingAirflow
from moving_dagster import MovingDagster
from moving_prefect import MovingPrefect
from moving_product import MovingProduct
from other_clock import NO_OTHER_CLOCK, other_clock

LONG = 6 * 3600
SIDES = {"airflow": MovingAirflow, "dagster": MovingDagster, "prefect": MovingPrefect}


@pytest.mark.slow
@pytest.mark.timeout(LONG)
@pytest.mark.parametrize("pair", combinations(SIDES, 2), ids="-".join)
def test_each_tick_runs_once_whatever_dies_while_a_product_moves_there_and_back(
    tmp_path: Path, pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD, "")  # Set by the Airflow that comes up.
    first = int(os.environ.get("FLOE_TEST_HISTORIES_FROM", "0"))
    number = int(os.environ.get("FLOE_TEST_HISTORIES", "1"))
    for seed in range(first, first + number):
        # Every other history begins on the other one.
        play(tmp_path / f"{seed}", pair[:: 1 - 2 * (seed % 2)], seed, monkeypatch)


@pytest.mark.slow
@pytest.mark.timeout(LONG)
@pytest.mark.parametrize("seconds", [20, -20])
@pytest.mark.parametrize("pair", combinations(SIDES, 2), ids="-".join)
def test_each_tick_runs_once_where_the_clock_of_one_side_differs(
    tmp_path: Path, pair: tuple[str, str], seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD, "")
    play(tmp_path, pair, 100 + seconds, monkeypatch, other_clock(seconds))


def play(
    folder: Path,
    pair: Sequence[str],
    seed: int,
    monkeypatch: pytest.MonkeyPatch,
    clock: Mapping[str, str] = NO_OTHER_CLOCK,
) -> None:
    """Move from one side to another and back; the other one has that clock."""
    with alert_receiver() as receiver:
        monkeypatch.setenv(ALERTS, receiver.url)
        product = MovingProduct(folder, SPEC, FILES)
        one, two = SIDES[pair[0]](product), SIDES[pair[1]](product, clock)
        FaultyMoves(product, one, two, seed).play(receiver)
