"""Each fault gives one alert on each orchestrator, counted by a receiver that knows nothing of them.

The faults are those of `test_faults.py`, in runs that `floe run` launches. What a retry saves is a
warning; two runs that take turns are nothing to be told.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest
from alert_receiver import AlertReceiver, alert_receiver
from everywhere import has_begun, holders_of
from faulty_product import (
    AFTER,
    ENDLESS,
    FaultyProduct,
    at_first_try,
    warehouse,
)

from floe_core.build_events import BuildEvent
from floe_core.errors import EnvironmentProblemError
from floe_core.plugin_powers import RunOptions
from floe_core.schemas import CompiledArtifacts
from floe_orchestrator_airflow.local.launch import run_in
from floe_orchestrator_airflow.local.service import LocalAirflow
from floe_orchestrator_dagster import DagsterPlugin
from floe_orchestrator_prefect import PrefectPlugin

VARIABLE = "FAULT_ALERTS"
DBT = Path(sys.executable).parent / "dbt"
RETRY_ONCE = "retries: 1, retryDelaySeconds: 1"
DAGSTER, AIRFLOW, PREFECT = SIDES = ("dagster", "airflow", "prefect")
FAILED, SAVED = "run failed", "run succeeded with warnings"
Meddle = Callable[[str, CompiledArtifacts, BuildEvent], None]


@pytest.fixture(scope="module")
def receiver() -> Iterator[AlertReceiver]:
    with alert_receiver() as receiver, pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, receiver.url)
        yield receiver


@pytest.fixture(scope="module")
def airflow(
    receiver: AlertReceiver, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalAirflow]:
    with LocalAirflow(tmp_path_factory.mktemp("airflow")) as service:
        yield service


def compiled(product: FaultyProduct, folder: Path, name: str) -> dict[str, CompiledArtifacts]:
    return {
        side: product.compiled(folder / side, f"{name}-{side}", side, "granularity: node")
        for side in SIDES
    }


def launch(side: str, artifacts: CompiledArtifacts, airflow: LocalAirflow, meddle: Meddle) -> None:
    options = RunOptions(artifacts.product.name)

    def on_event(event: BuildEvent) -> None:
        meddle(side, artifacts, event)

    if side == AIRFLOW:
        run_in(airflow, artifacts, options, on_event)
        return
    plugin = DagsterPlugin() if side == DAGSTER else PrefectPlugin()
    with contextlib.suppress(KeyboardInterrupt, EnvironmentProblemError):
        plugin.launch_run(artifacts, options, on_event)


def launch_all(
    products: dict[str, CompiledArtifacts],
    airflow: LocalAirflow,
    meddle: Meddle = lambda side, artifacts, event: None,
) -> None:
    with ThreadPoolExecutor(len(products)) as pool:
        runs = [pool.submit(launch, side, a, airflow, meddle) for side, a in products.items()]
        for run in runs:
            run.result()


def told(
    receiver: AlertReceiver, products: dict[str, CompiledArtifacts], count: int = 1
) -> dict[str, list[str]]:
    """Return side -> what was told of its product, within 30 s of the last run's end."""
    names = {side: artifacts.product.name for side, artifacts in products.items()}
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if all(len(receiver.about(name)) >= count for name in names.values()):
            break
        time.sleep(0.1)
    # No second one comes: Airflow's callbacks are called some seconds after the end.
    time.sleep(8)
    return {side: receiver.about(name) for side, name in names.items()}


def everywhere(*titles: str) -> dict[str, list[str]]:
    return {side: list(titles) for side in SIDES}


def alerting(middle: str, execution: str = "") -> FaultyProduct:
    return FaultyProduct(middle, execution, alerts_to=VARIABLE)


@pytest.mark.parametrize(
    ("name", "product", "title"),
    [
        ("flaky", alerting(at_first_try("select error('not yet') as id"), RETRY_ONCE), SAVED),
        ("broken", alerting("select error('never') as id", RETRY_ONCE), FAILED),
        ("tested", alerting("select -id as id from {{ ref('first') }}", RETRY_ONCE), FAILED),
        ("hanging", alerting(ENDLESS, "timeoutSeconds: 15"), FAILED),
    ],
)
def test_a_fault_of_a_node_is_told_once(
    name: str,
    product: FaultyProduct,
    title: str,
    receiver: AlertReceiver,
    airflow: LocalAirflow,
    tmp_path: Path,
) -> None:
    products = compiled(product, tmp_path, name)
    launch_all(products, airflow)
    assert told(receiver, products) == everywhere(title)


def test_a_run_that_a_user_cancels_is_told_once(
    receiver: AlertReceiver, airflow: LocalAirflow, tmp_path: Path
) -> None:
    def cancel(side: str, artifacts: CompiledArtifacts, event: BuildEvent) -> None:
        if has_begun(event, "middle"):
            time.sleep(1.5)
            if side != AIRFLOW:
                raise KeyboardInterrupt
            path = f"/api/v2/dags/{artifacts.product.name}/dagRuns"
            [run] = airflow.api.ask("GET", path)["dag_runs"]
            airflow.api.ask("PATCH", f"{path}/{quote(run['dag_run_id'])}", {"state": "failed"})

    products = compiled(alerting(ENDLESS, RETRY_ONCE), tmp_path, "canceled")
    launch_all(products, airflow, cancel)
    assert told(receiver, products) == everywhere(FAILED)


@pytest.mark.slow
def test_a_worker_that_dies_is_told_once(
    receiver: AlertReceiver, airflow: LocalAirflow, tmp_path: Path
) -> None:
    killed: set[str] = set()

    def kill(side: str, artifacts: CompiledArtifacts, event: BuildEvent) -> None:
        if has_begun(event, "middle") and side not in killed:
            killed.add(side)
            time.sleep(3)
            for builder in holders_of(warehouse(artifacts)):
                builder.kill()

    products = compiled(alerting(at_first_try(ENDLESS), RETRY_ONCE), tmp_path, "killed")
    launch_all(products, airflow, kill)
    # Airflow retries by itself. On the others the process of the run was that of the build.
    assert told(receiver, products) == {**everywhere(FAILED), AIRFLOW: [SAVED]}
    own_dbt = f"{RETRY_ONCE}, dbtExecutable: {DBT}"
    killed.clear()
    products = compiled(alerting(at_first_try(ENDLESS), own_dbt), tmp_path / "own", "dbt-killed")
    launch_all(products, airflow, kill)
    assert told(receiver, products) == everywhere(SAVED)


def test_two_runs_that_take_turns_are_nothing_to_be_told(
    receiver: AlertReceiver, airflow: LocalAirflow, tmp_path: Path
) -> None:
    products = compiled(alerting(AFTER.format("first")), tmp_path, "twice")
    with ThreadPoolExecutor(2) as pool:
        for run in [pool.submit(launch_all, products, airflow) for _ in range(2)]:
            run.result()
    assert told(receiver, products, 0) == everywhere()
