"""A running Dagster is accepted as the target of a move only if it reads the records."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from dagster_pages import webserver
from moving_product import JOB, MovingProduct
from moving_world import World

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.schedules.schedule_store import STORE_VARIABLE
from floe_migrate.moving.mover import Mover
from floe_migrate.moving.records import Records
from floe_migrate.sides.chosen_sides import Sides


@contextmanager
def mover_to(url: str, product: MovingProduct, told: list[str]) -> Iterator[Mover]:
    """Give a move from a simulated orchestrator to the Dagster at a URL."""
    target = Sides.read(product.of("dagster"), []).side("dagster")
    target.plugin.configure({"url": url, "schedule_store": str(product.folder / "store")})
    mover = Mover(
        Records(target.artifacts),
        World(product.folder / "elsewhere").one,
        target,
        (JOB,),
        timedelta(seconds=60),
        told.append,
    )
    mover.begin()
    yield mover


def test_a_dagster_that_reads_the_records_starts_nothing_yet(tmp_path: Path) -> None:
    product, told = MovingProduct(tmp_path), list[str]()
    artifacts = product.compile("dagster", {})
    with webserver(artifacts) as url, mover_to(url, product, told) as mover:
        mover.check_target()
    assert told == [
        "mover: one owns it (epoch 1)",
        "dagster has mover, and starts none of it yet",
    ]


def test_a_dagster_that_could_not_load_while_the_store_was_away_loads_again(tmp_path: Path) -> None:
    product, told = MovingProduct(tmp_path), list[str]()
    artifacts = product.compile("dagster", {})
    product.store.rmdir()
    with webserver(artifacts) as url:
        product.store.mkdir()
        with mover_to(url, product, told) as mover:
            mover.check_target()
    assert told[-1] == "dagster has mover, and starts none of it yet"


def test_a_dagster_that_reads_another_store_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    product, told = MovingProduct(tmp_path), list[str]()
    artifacts = product.compile("dagster", {})
    (tmp_path / "another-store").mkdir()
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "another-store"))
    with webserver(artifacts) as url:
        monkeypatch.delenv(STORE_VARIABLE)
        with (
            mover_to(url, product, told) as mover,
            pytest.raises(EnvironmentProblemError, match="reads another schedule store"),
        ):
            mover.check_target()
    owner = mover.records.owners()[JOB]
    assert (owner.orchestrator, owner.until) == ("one", None)
