"""Live products move between any two orchestrators and back: each tick runs exactly once.

Meanwhile processes are killed and the store of schedules is away, by a seed. The truth is in the rows
that runs write, in those of plain dbt, and in the orchestrators' own records of runs.
`FLOE_TEST_HISTORIES` says how many histories there are, and `FLOE_TEST_HISTORIES_FROM` the first one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from alert_receiver import alert_receiver
from faulty_moves import ALERTS, FILES, PRODUCT, FaultyMoves, play
from moving_airflow import PASSWORD, AirflowOfMoves, MovingAirflow
from moving_dagster import DagsterOfMoves, MovingDagster
from moving_prefect import MovingPrefect, PrefectOfMoves
from moving_product import MovingProduct
from other_clock import NO_OTHER_CLOCK, other_clock

LONG = 6 * 3600
# So many histories are played at once, each by a product of its own.
AT_ONCE = 3


class Orchestrator(NamedTuple):
    place: Callable[[Path, Mapping[str, str]], Any]
    side: Callable[[MovingProduct, Any], Any]


ORCHESTRATORS = {
    "airflow": Orchestrator(AirflowOfMoves, MovingAirflow),
    "dagster": Orchestrator(DagsterOfMoves, MovingDagster),
    "prefect": Orchestrator(PrefectOfMoves, MovingPrefect),
}


@pytest.mark.slow
@pytest.mark.timeout(LONG)
@pytest.mark.parametrize("pair", combinations(ORCHESTRATORS, 2), ids="-".join)
def test_each_tick_runs_once_whatever_dies_while_products_move_there_and_back(
    tmp_path: Path, pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = int(os.environ.get("FLOE_TEST_HISTORIES_FROM", "0"))
    number = int(os.environ.get("FLOE_TEST_HISTORIES", "1"))
    seeds = range(first, first + number)
    for start in range(0, number, AT_ONCE):
        # Every other time they begin on the other one.
        ordered = pair[:: 1 - 2 * (start // AT_ONCE % 2)]
        move(tmp_path / f"{start}", ordered, seeds[start : start + AT_ONCE], monkeypatch)


@pytest.mark.slow
@pytest.mark.timeout(LONG)
@pytest.mark.parametrize("seconds", [20, -20])
@pytest.mark.parametrize("pair", combinations(ORCHESTRATORS, 2), ids="-".join)
def test_each_tick_runs_once_where_the_clock_of_one_side_differs(
    tmp_path: Path, pair: tuple[str, str], seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    move(tmp_path, pair, [100 + seconds], monkeypatch, other_clock(seconds))


def move(
    folder: Path,
    pair: Sequence[str],
    seeds: Sequence[int],
    monkeypatch: pytest.MonkeyPatch,
    clock: Mapping[str, str] = NO_OTHER_CLOCK,
) -> None:
    """Move from one side to another and back; the other one has that clock."""
    # Set by the Airflow that comes up.
    monkeypatch.setenv(PASSWORD, "")
    with alert_receiver() as receiver:
        monkeypatch.setenv(ALERTS, receiver.url)
        one, two = (ORCHESTRATORS[name] for name in pair)
        places = one.place(folder / "one", NO_OTHER_CLOCK), two.place(folder / "two", clock)
        moves = []
        for seed in seeds:
            name = f"mover{seed}"
            spec = PRODUCT.replace("NAME", name)
            product = MovingProduct(folder / name, spec, FILES, name=name)
            sides = one.side(product, places[0]), two.side(product, places[1])
            moves.append(FaultyMoves(product, *sides, seed))
        play(moves, receiver)
