"""A scheduler that ends by an error of its own is started again, as a deployment does."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.powers import RunOptions
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.local.components import read_components
from floe_orchestrator_airflow.local.host import MOST_RESTARTS
from floe_orchestrator_airflow.local.launch import run_in
from floe_orchestrator_airflow.local.service import LocalAirflow

# The scheduler wants to change a run that it has read, and finds no row: what it sees when the API
# has deleted the run meanwhile.
NO_ROW = """
create trigger no_row before update on dag_run when new.state = 'running'
begin select raise(ignore); end
"""


def change(database: Path, statement: str) -> None:
    with closing(sqlite3.connect(database, timeout=60)) as connection:
        connection.execute(statement)
        connection.commit()


@pytest.fixture
def airflow(tmp_path: Path) -> Iterator[LocalAirflow]:
    with LocalAirflow(tmp_path / "airflow") as running:
        yield running


def test_a_scheduler_that_fails_once_is_started_again(
    airflow: LocalAirflow, make_product: Callable[..., CompiledArtifacts]
) -> None:
    product = make_product("lostrow", {"one.sql": "select 1 as n"})
    first = read_components(airflow.folder)["scheduler"]
    change(airflow.home.database, NO_ROW)

    def mend() -> None:
        while read_components(airflow.folder)["scheduler"] == first:
            time.sleep(0.05)
        change(airflow.home.database, "drop trigger no_row")

    threading.Thread(target=mend, daemon=True).start()
    report = run_in(airflow, product, RunOptions(job=product.product.name), lambda event: None)
    assert report.status == "success"
    assert "sqlalchemy.orm.exc.StaleDataError" in airflow.home.output.read_text()
    assert read_components(airflow.folder)["scheduler"] != first


@pytest.mark.slow
def test_a_scheduler_that_fails_again_and_again_ends_the_run(
    hello: CompiledArtifacts, tmp_path: Path
) -> None:
    with LocalAirflow(tmp_path / "airflow", hello) as airflow:
        change(airflow.home.database, NO_ROW)
        with pytest.raises(EnvironmentProblemError, match="the local Airflow ended while running"):
            run_in(airflow, hello, RunOptions(job="hello"), lambda event: None)
        said = airflow.home.output.read_text()
    assert said.count("floe: scheduler ended with an error, and is started again") == MOST_RESTARTS
    assert said.endswith("floe: scheduler ended, so all of this Airflow does\n")
