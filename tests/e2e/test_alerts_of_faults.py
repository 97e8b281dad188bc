"""Each fault gives one alert on each orchestrator, counted by a receiver that knows nothing of them.

The faults are those of docs/failures.md, in runs that `floe run` launches. What a retry saves is a
warning; two runs that take turns are nothing to be told. What a user ends in an orchestrator's pages,
and the death of a run's worker there, is in `test_alerts_of_running_orchestrators.py`.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest
from alert_receiver import AlertReceiver, alert_receiver
from broken_line import BrokenLine
from everywhere import has_begun, holders_of, wait_for_middle, waiting_lineage
from faulty_product import (
    AFTER,
    ENDLESS,
    FaultyProduct,
    at_first_try,
    warehouse,
)
from further_faults import (
    LARGE,
    SLOW,
    SOON,
    a_hundred,
    compute,
    cut_once,
    dbt_on_a_small_disk,
    drop_schemas,
    kill_supervisor_of,
)
from own_database import HOST, PASSWORD, PORT
from wait_for import wait_for

from floe_core.alerts import flush, status
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.powers import RunOptions
from floe_core.runs.build_events import BuildEvent
from floe_core.schemas import CompiledArtifacts
from floe_orchestrator_airflow.local.launch import run_in
from floe_orchestrator_airflow.local.service import LocalAirflow
from floe_orchestrator_dagster import DagsterPlugin
from floe_orchestrator_prefect import PrefectPlugin

VARIABLE = "FAULT_ALERTS"
DBT = Path(sys.executable).parent / "dbt"
FLOE = Path(sys.executable).parent / "floe"
RETRY_ONCE = "retries: 1, retryDelaySeconds: 1"
EXPONENTIAL = "retries: 3, retryDelaySeconds: 1, retryBackoff: exponential"
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


FLAKY, NEVER = at_first_try("select error('not yet') as id"), "select error('never') as id"
NEGATIVE = "select -id as id from {{ ref('first') }}"
OF_NODES = {
    "flaky": (alerting(FLAKY, RETRY_ONCE), SAVED),
    "broken": (alerting(NEVER, RETRY_ONCE), FAILED),
    "tested": (alerting(NEGATIVE, RETRY_ONCE), FAILED),
    "hanging": (alerting(ENDLESS, "timeoutSeconds: 15"), FAILED),
    "waiting": (alerting(NEVER, EXPONENTIAL), FAILED),
    "full": (alerting(LARGE, RETRY_ONCE), SAVED),
    "hundred": (replace(a_hundred(), alerts_to=VARIABLE), SAVED),
}
# While the receiver answers, and while it is away until the run is over.
HERE_AND_AWAY = pytest.mark.parametrize(
    "is_away", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["here", "away"]
)


@pytest.mark.parametrize(
    "name",
    [
        "flaky",
        "broken",
        "hanging",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("tested", "waiting")),
    ],
)
def test_a_fault_of_a_node_is_told_once(
    name: str, receiver: AlertReceiver, airflow: LocalAirflow, tmp_path: Path
) -> None:
    product, title = OF_NODES[name]
    products = compiled(product, tmp_path, name)
    launch_all(products, airflow)
    assert told(receiver, products) == everywhere(title)


@HERE_AND_AWAY
def test_a_run_that_a_user_cancels_is_told_once(
    is_away: bool, receiver: AlertReceiver, airflow: LocalAirflow, tmp_path: Path
) -> None:
    def cancel(side: str, artifacts: CompiledArtifacts, event: BuildEvent) -> None:
        if has_begun(event, "middle"):
            time.sleep(1.5)
            if side != AIRFLOW:
                raise KeyboardInterrupt
            path = f"/api/v2/dags/{artifacts.product.name}/dagRuns"
            [run] = airflow.api.request("GET", path)["dag_runs"]
            airflow.api.request("PATCH", f"{path}/{quote(run['dag_run_id'])}", {"state": "failed"})

    name = "canceled-away" if is_away else "canceled"
    products = compiled(alerting(ENDLESS, RETRY_ONCE), tmp_path, name)
    with reachable(receiver, products, is_away) as alerts:
        launch_all(products, airflow, cancel)
    assert alerts == everywhere(FAILED)


@pytest.mark.slow
@HERE_AND_AWAY
def test_a_worker_that_dies_is_told_once(
    is_away: bool, receiver: AlertReceiver, airflow: LocalAirflow, tmp_path: Path
) -> None:
    killed: set[str] = set()

    def kill(side: str, artifacts: CompiledArtifacts, event: BuildEvent) -> None:
        if has_begun(event, "middle") and side not in killed:
            killed.add(side)
            time.sleep(3)
            for builder in holders_of(warehouse(artifacts)):
                builder.kill()

    name = "killed-away" if is_away else "killed"
    products = compiled(alerting(at_first_try(ENDLESS), RETRY_ONCE), tmp_path, name)
    with reachable(receiver, products, is_away) as alerts:
        launch_all(products, airflow, kill)
    # Airflow retries by itself. On the others the process of the run was that of the build.
    assert alerts == {**everywhere(FAILED), AIRFLOW: [SAVED]}
    own_dbt = f"{RETRY_ONCE}, dbtExecutable: {DBT}"
    killed.clear()
    products = compiled(alerting(at_first_try(ENDLESS), own_dbt), tmp_path / "own", f"dbt-{name}")
    with reachable(receiver, products, is_away) as alerts:
        launch_all(products, airflow, kill)
    assert alerts == everywhere(SAVED)


@pytest.mark.slow
def test_two_runs_that_take_turns_are_nothing_to_be_told(
    receiver: AlertReceiver, airflow: LocalAirflow, tmp_path: Path
) -> None:
    products = compiled(alerting(AFTER.format("first")), tmp_path, "twice")
    with ThreadPoolExecutor(2) as pool:
        for run in [pool.submit(launch_all, products, airflow) for _ in range(2)]:
            run.result()
    assert told(receiver, products, 0) == everywhere()


def told_when_it_is_back(
    receiver: AlertReceiver, products: dict[str, CompiledArtifacts]
) -> dict[str, list[str]]:
    """Return side -> what a receiver that was away is told of its product by a flush."""
    wait_for(lambda: all(status(each).waiting for each in products.values()), 30)
    # No second one comes.
    time.sleep(8)
    receiver.open()
    for artifacts in products.values():
        assert [done.waiting for done in flush(artifacts, 20)] == [0]
    return {side: receiver.about(each.product.name) for side, each in products.items()}


@contextmanager
def reachable(
    receiver: AlertReceiver, products: dict[str, CompiledArtifacts], is_away: bool
) -> Iterator[dict[str, list[str]]]:
    """Run the block with the receiver here or away; what was told is there after it."""
    found: dict[str, list[str]] = {}
    if is_away:
        receiver.close()
    yield found
    found |= told_when_it_is_back(receiver, products) if is_away else told(receiver, products)


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_NODES)
def test_a_receiver_that_was_away_is_told_once(
    name: str, receiver: AlertReceiver, airflow: LocalAirflow, tmp_path: Path
) -> None:
    product, title = OF_NODES[name]
    if name == "full":
        dbt = dbt_on_a_small_disk(tmp_path)
        product = replace(product, execution=f"{RETRY_ONCE}, dbtExecutable: {dbt}")
    products = compiled(product, tmp_path, f"{name}-away")
    with reachable(receiver, products, is_away=True) as alerts:
        launch_all(products, airflow)
    assert alerts == everywhere(title)


@pytest.mark.slow
def test_a_warehouse_that_goes_away_and_comes_back_is_told_once(
    receiver: AlertReceiver,
    airflow: LocalAirflow,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FLOE_TEST_PASSWORD", PASSWORD)
    schemas = {side: f"floe_{uuid.uuid4().hex[:8]}" for side in SIDES}
    away = alerting(SLOW, "retries: 1, retryDelaySeconds: 20")
    with ExitStack() as stack:
        lines = {side: stack.enter_context(BrokenLine(HOST, PORT)) for side in SIDES}
        products = {
            side: replace(away, compute=compute(lines[side], schemas[side])).compiled(
                tmp_path / side, f"away-{side}", side, "granularity: node"
            )
            for side in SIDES
        }
        with reachable(receiver, products, is_away=True) as alerts:
            launch_all(products, airflow, cut_once(lines))
    drop_schemas(schemas.values())
    assert alerts == everywhere(SAVED)


@pytest.mark.slow
@HERE_AND_AWAY
def test_a_supervisor_that_dies_is_told_once(
    is_away: bool, receiver: AlertReceiver, tmp_path: Path
) -> None:
    name = "orphaned-away" if is_away else "orphaned"
    product = alerting(at_first_try(ENDLESS), RETRY_ONCE).compiled(
        tmp_path / "shop", f"{name}-airflow", AIRFLOW, "granularity: product"
    )
    killed: list[str] = []

    def kill(side: str, artifacts: CompiledArtifacts, event: BuildEvent) -> None:
        if has_begun(event, "middle") and not killed:
            killed.append(kill_supervisor_of(artifacts))

    with LocalAirflow(tmp_path / "airflow", variables=SOON) as airflow:
        with reachable(receiver, {AIRFLOW: product}, is_away) as alerts:
            launch(AIRFLOW, product, airflow, kill)
        assert alerts == {AIRFLOW: [SAVED]}
    # Ended, whether or not its new parent has taken note.
    assert killed[0] in ("False", "zombie")


@pytest.mark.parametrize("side", SIDES)
def test_a_killed_floe_run_is_told_and_ended_in_lineage_at_the_latest_by_the_next_run(
    side: str, receiver: AlertReceiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody listens there, so all lineage events wait.
    monkeypatch.setenv("OPENLINEAGE_URL", "http://127.0.0.1:1")
    name = f"sigkilled-{side}"
    choice = f"{{% if env_var('ENDLESS', '') %}}{ENDLESS}{{% else %}}{AFTER.format('first')}{{% endif %}}"
    endless = replace(alerting(choice), has_lineage=True)
    product = endless.compiled(tmp_path / "shop", name, side, "granularity: node")
    words = [FLOE, "run", str(product.folder), "--on", side]
    monkeypatch.setenv("ENDLESS", "yes")
    run = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for_middle(product)
    family = psutil.Process(run.pid).children(recursive=True)
    run.kill()
    run.wait()
    psutil.wait_procs(family, timeout=60)
    monkeypatch.delenv("ENDLESS")
    assert subprocess.run(words, capture_output=True).returncode == 0
    receiver.wait_for(2)
    assert receiver.about(name) == [FAILED, "run succeeded again"]
    types = waiting_lineage(product.folder)
    assert [each for each in types.values() if len(each) != 2 or each[0] != "START"] == []
    assert {each[1] for each in types.values()} >= {"COMPLETE", "ABORT"}
