"""Random histories of partitioned products: tables and states are those of a replay by dbt."""

from __future__ import annotations

from pathlib import Path

import pytest
from partition_histories import history, product_of
from partition_sides import play
from partitions_in_builds import Builds


@pytest.mark.parametrize("seed", range(2))
def test_tables_and_states_are_those_of_a_replay(tmp_path: Path, seed: int) -> None:
    product = product_of(seed)
    play([Builds()], product, tmp_path, [*history(product, seed, 4)])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 62))
def test_tables_and_states_of_long_histories_are_those_of_a_replay(
    tmp_path: Path, seed: int
) -> None:
    product = product_of(seed)
    play([Builds()], product, tmp_path, [*history(product, seed, 8)])
