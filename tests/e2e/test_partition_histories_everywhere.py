"""Random histories of partitions on the real orchestrators equal a replay by plain dbt.

On time, late, missed, twice, backfilled, with lookback, failed, retried and killed, with other data
and other code, by hour, day, week and month. After each step, the tables, the states that `floe
partitions` shows and what the orchestrator itself says are those of the replay, which knows no floe.
`FLOE_TEST_HISTORIES` says how many histories there are, and `FLOE_TEST_HISTORIES_FROM` the first one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path

import duckdb
import pytest
from own_database import PASSWORD, SERVER, own_database
from partition_histories import Fault, Product, Step, history, product_of
from partition_periods import Calendar
from partition_sides import Side, play, write_product
from partitions_on_airflow import AirflowSide
from partitions_on_dagster import DagsterSide
from partitions_on_prefect import PrefectSide
from running_prefect import RunningPrefect

from floe_core.compiler import compile_product
from floe_core.partitions.store import STORE_VARIABLE
from floe_orchestrator_airflow.local.service import LocalAirflow

LONG = 6 * 3600
LENGTH = 5
# In PostgreSQL a build counts as dead 90 s after it was killed, and the next one waits for that.
WITH_ONE_KILL = 45
DAYS = Calendar("day", date(2026, 11, 1))
SIDES = ("dagster", "airflow", "prefect")


@contextmanager
def side_of(name: str, folder: Path) -> Iterator[Side]:
    """Give an orchestrator that is up while the block lasts."""
    if name == "dagster":
        yield DagsterSide(folder)
    elif name == "airflow":
        with LocalAirflow(folder / "airflow") as airflow:
            yield AirflowSide(airflow)
    else:
        prefect = RunningPrefect(folder / "prefect")
        with prefect.up():
            yield PrefectSide(prefect)


def play_seed(sides: Sequence[Side], folder: Path, seed: int, length: int) -> None:
    product = product_of(seed)
    play(sides, product, folder, [*history(product, seed, length)])


def test_a_history_on_dagster(tmp_path: Path) -> None:
    play_seed([DagsterSide(tmp_path)], tmp_path, 5, 3)


@pytest.mark.slow
@pytest.mark.timeout(LONG)
def test_histories(tmp_path: Path) -> None:
    first = int(os.environ.get("FLOE_TEST_HISTORIES_FROM", "0"))
    number = int(os.environ.get("FLOE_TEST_HISTORIES", "4"))
    with ExitStack() as up:
        sides = [up.enter_context(side_of(name, tmp_path)) for name in SIDES]
        for seed in range(first, first + number):
            folder = tmp_path / str(seed)
            play_seed(sides, folder, seed, LENGTH)
            shutil.rmtree(folder)
            print(f"history {seed} is as plain dbt on {', '.join(SIDES)}", flush=True)


@pytest.mark.slow
@pytest.mark.timeout(LONG)
@pytest.mark.parametrize("name", SIDES)
def test_a_history_with_states_in_postgresql(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with own_database() as database:
        place = f"{SERVER['user']}:{PASSWORD}@{SERVER['host']}:{SERVER['port']}"
        monkeypatch.setenv(STORE_VARIABLE, f"postgresql://{place}/{database}")
        with side_of(name, tmp_path) as side:
            play_seed([side], tmp_path, WITH_ONE_KILL, LENGTH)


@pytest.mark.slow
@pytest.mark.parametrize("name", SIDES)
def test_a_retry_builds_the_days_that_no_failed_test_holds_back(name: str, tmp_path: Path) -> None:
    """A test fails for the second day; for the third, a model does at first."""
    product, folder = Product(DAYS, "mixed", "tick", lookback=0, retries=1), tmp_path / "shop"
    mine = product.periods[:4]
    step = Step(mine, f"{mine[0].key}...{mine[3].key}", faults=[Fault("daily", mine[2], 1)])
    with side_of(name, tmp_path) as side:
        world = write_product(folder, product, side)
        (folder / "tests" / "good.sql").write_text(
            "select period from {{ ref('daily') }} "
            "where period = '{{ var(\"begin\") }}' and period = '2026-11-02'"
        )
        world.change(step, 0)
        compile_product(folder)
        side.add(product, folder)
        assert not side.run(product, folder, step, None)
        found = days_of(folder)
    assert found == {"daily": [1, 2, 3, 4], "wide": [1, 3, 4]}


def days_of(folder: Path) -> dict[str, list[int]]:
    """Return table -> the days that it has."""
    [file] = folder.glob("*.duckdb")
    with duckdb.connect(str(file), read_only=True) as connection:
        return {
            table: [
                day
                for (day,) in connection.sql(
                    f"select day(period) from {table} order by 1"
                ).fetchall()
            ]
            for table in ("daily", "wide")
        }
