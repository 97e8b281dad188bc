"""What goes wrong goes wrong in the same way on Dagster and on Airflow, and leaves nothing behind.

Each fault happens to one product on three sides: Dagster, Airflow with a task a node, and Airflow
with one task. States are the orchestrator's own; what ran is read from each warehouse.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from dagster_pages import reexecute
from everywhere import (
    ALL,
    DAGSTER,
    NODE,
    PRODUCT,
    Meddle,
    Outcome,
    airflow_delays,
    assert_all,
    compiled_everywhere,
    dagster_delays,
    dagster_outcome,
    has_begun,
    holders_of,
    launch_everywhere,
    run_everywhere,
)
from faulty_product import (
    AFTER,
    ENDLESS,
    PASSED_BEFORE_MIDDLE,
    RESUMED_IN_MIDDLE,
    STOPPED_IN_MIDDLE,
    FaultyProduct,
    at_first_try,
    runs_in_order,
    warehouse,
)
from further_faults import DBT, LARGE, dbt_on_a_small_disk
from wait_for import wait_for

from floe_core.runs.build_events import BuildEvent
from floe_core.schemas import CompiledArtifacts
from floe_orchestrator_airflow.local.service import LocalAirflow

RETRY_ONCE = "retries: 1, retryDelaySeconds: 1"


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAirflow]:
    with LocalAirflow(tmp_path_factory.mktemp("airflow")) as service:
        yield service


def green_tasks(airflow: LocalAirflow, dag_id: str, run_id: str) -> set[str]:
    tasks = airflow.api.task_instances(dag_id, run_id)
    return {task["task_id"] for task in tasks if task["state"] == "success"}


def test_what_fails_at_first_and_passes_at_the_second_try_is_all_that_runs_again(
    airflow: LocalAirflow, tmp_path: Path
) -> None:
    flaky = FaultyProduct(at_first_try("select error('not yet') as id"), RETRY_ONCE)
    outcomes = run_everywhere(compiled_everywhere(flaky, tmp_path, "flaky"), airflow)
    again = ["middle 2 began", "middle 2 passed", "last 2 began", "last 2 passed"]
    assert_all(
        outcomes,
        state="success",
        attempts=2,
        ran=[*PASSED_BEFORE_MIDDLE, "middle 1 began", *again, "middle_is_good ran"],
        green=ALL,
        red=set(),
    )


def test_what_always_fails_ends_the_run_red_after_its_retries(
    airflow: LocalAirflow, tmp_path: Path
) -> None:
    broken = FaultyProduct("select error('never') as id from {{ ref('first') }}", RETRY_ONCE)
    outcomes = run_everywhere(compiled_everywhere(broken, tmp_path, "broken"), airflow)
    assert_all(
        outcomes,
        state="failed",
        attempts=2,
        ran=[*PASSED_BEFORE_MIDDLE, "middle 1 began", "middle 2 began"],
        green={"first", "aside"},
        red={"middle"},
    )


def test_a_failed_test_is_a_verdict_that_no_retry_changes(
    airflow: LocalAirflow, tmp_path: Path
) -> None:
    bad = FaultyProduct("select -id as id from {{ ref('first') }}", RETRY_ONCE)
    outcomes = run_everywhere(compiled_everywhere(bad, tmp_path, "tested"), airflow)
    assert_all(
        outcomes,
        state="failed",
        attempts=1,
        ran=[
            *PASSED_BEFORE_MIDDLE,
            "middle 1 began",
            "middle 1 passed",
            "middle_is_good ran",
            "middle_is_good 1 failed",
        ],
        green={"first", "aside", "middle"},
        red={"middle_is_good"},
    )


def test_a_model_that_hangs_is_ended_at_the_timeout(airflow: LocalAirflow, tmp_path: Path) -> None:
    hanging = FaultyProduct(ENDLESS, "timeoutSeconds: 15")
    outcomes = run_everywhere(compiled_everywhere(hanging, tmp_path, "hanging"), airflow)
    assert_all(
        outcomes,
        state="failed",
        ran=STOPPED_IN_MIDDLE,
        green={"first", "aside"},
        red={"middle"},
    )


def test_a_run_that_is_canceled_stops_at_once_and_is_not_retried(
    airflow: LocalAirflow, tmp_path: Path
) -> None:
    def cancel(side: str, artifacts: CompiledArtifacts, event: BuildEvent) -> None:
        if has_begun(event, "middle"):
            time.sleep(1.5)
            if side == DAGSTER:
                raise KeyboardInterrupt
            dag_id = artifacts.product.name
            path = f"/api/v2/dags/{dag_id}/dagRuns"
            [run] = airflow.api.request("GET", path)["dag_runs"]
            if side == NODE:
                # Airflow shows that a node has ended some seconds after that.
                run_id = run["dag_run_id"]
                wait_for(lambda: green_tasks(airflow, dag_id, run_id) == {"first", "aside"}, 20)
            airflow.api.request("PATCH", f"{path}/{quote(run['dag_run_id'])}", {"state": "failed"})

    endless = FaultyProduct(ENDLESS, RETRY_ONCE)
    outcomes = run_everywhere(compiled_everywhere(endless, tmp_path, "canceled"), airflow, cancel)
    for side, outcome in outcomes.items():
        assert (outcome.left, outcome.attempts) == ([], 1), (side, outcome)
        assert outcome.ran == STOPPED_IN_MIDDLE, (side, outcome)
    assert {side: outcome.state for side, outcome in outcomes.items()} == {
        DAGSTER: "canceled",
        NODE: "failed",  # Airflow has no other word for it.
        PRODUCT: "failed",
    }
    assert outcomes[DAGSTER].green == outcomes[NODE].green == {"first", "aside"}
    # Airflow itself fails every task that it had begun, as it does with any other DAG.
    assert outcomes[NODE].tasks == {
        **dict.fromkeys(("first", "aside"), "success"),
        **dict.fromkeys(("middle", "middle_is_good", "last", "dbt_build", "outcome"), "failed"),
    }


@pytest.mark.slow
def test_two_runs_at_once_take_turns(airflow: LocalAirflow, tmp_path: Path) -> None:
    products = compiled_everywhere(FaultyProduct(AFTER.format("first")), tmp_path, "twice")
    twice = [*products.items(), *products.items()]
    reports = launch_everywhere(twice, airflow, lambda side, artifacts, event: None)
    assert [(r.status, r.message) for r in reports] == [("success", "")] * 6
    for artifacts in products.values():
        runs = runs_in_order(artifacts)
        assert len(set(runs)) == 2
        assert runs == [runs[0]] * 8 + [runs[-1]] * 8


def killer_of_first_attempts() -> Meddle:
    """Return what kills the process that has the warehouse open, once on each side."""
    killed: set[str] = set()

    def kill(side: str, artifacts: CompiledArtifacts, event: BuildEvent) -> None:
        if has_begun(event, "middle") and side not in killed:
            killed.add(side)
            time.sleep(3)
            [builder] = holders_of(warehouse(artifacts))
            builder.kill()

    return kill


HANGS_AT_FIRST = at_first_try(ENDLESS)


def assert_all_at_second_try(outcomes: dict[str, Outcome]) -> None:
    ran = RESUMED_IN_MIDDLE
    assert_all(outcomes, state="success", attempts=2, ran=ran, green=ALL, red=set())


@pytest.mark.slow
def test_after_the_worker_died_the_next_attempt_runs_the_rest(
    airflow: LocalAirflow, tmp_path: Path
) -> None:
    products = compiled_everywhere(FaultyProduct(HANGS_AT_FIRST, RETRY_ONCE), tmp_path, "killed")
    outcomes = run_everywhere(products, airflow, killer_of_first_attempts())
    # Airflow retries by itself. A dead Dagster run is failed, and goes on from its pages.
    dead = outcomes[DAGSTER]
    assert (dead.state, dead.left) == ("failed", []), dead
    assert dead.green == {"first", "aside"}
    again = reexecute(products[DAGSTER], dead.run_id)
    outcomes[DAGSTER] = dagster_outcome(products[DAGSTER], again)
    assert outcomes[DAGSTER].green == ALL - {"first", "aside"}
    # The dead run may have had two attempts, so that those of this one are counted from 3.
    ran_again = sorted(text.replace(" 3 ", " 2 ") for text in outcomes[DAGSTER].ran)
    outcomes[DAGSTER] = replace(outcomes[DAGSTER], green=frozenset(ALL), attempts=2, ran=ran_again)
    assert_all_at_second_try(outcomes)


@pytest.mark.slow
def test_after_dbt_died_the_next_attempt_runs_the_rest(
    airflow: LocalAirflow, tmp_path: Path
) -> None:
    own_dbt = f"{RETRY_ONCE}, dbtExecutable: {DBT}"
    products = compiled_everywhere(FaultyProduct(HANGS_AT_FIRST, own_dbt), tmp_path, "dbt-killed")
    outcomes = run_everywhere(products, airflow, killer_of_first_attempts())
    assert_all_at_second_try(outcomes)


@pytest.mark.slow
def test_a_full_disk_fails_what_it_fails_and_the_retry_runs_the_rest(
    airflow: LocalAirflow, tmp_path: Path
) -> None:
    full = FaultyProduct(LARGE, f"{RETRY_ONCE}, dbtExecutable: {dbt_on_a_small_disk(tmp_path)}")
    outcomes = run_everywhere(compiled_everywhere(full, tmp_path, "full"), airflow)
    assert_all_at_second_try(outcomes)


@pytest.mark.slow
def test_exponential_retries_wait_alike_as_each_orchestrator_wrote_down(
    airflow: LocalAirflow, tmp_path: Path
) -> None:
    policy = "retries: 3, retryDelaySeconds: 1, retryBackoff: exponential"
    products = compiled_everywhere(
        FaultyProduct("select error('x') as id", policy), tmp_path, "wait"
    )
    del products[NODE]
    outcomes = run_everywhere(products, airflow)
    assert {side: outcome.attempts for side, outcome in outcomes.items()} == {
        DAGSTER: 4,
        PRODUCT: 4,
    }
    assert dagster_delays(products[DAGSTER], outcomes[DAGSTER].run_id) == [1, 2, 4]
    assert airflow_delays(airflow, products[PRODUCT]) == [1, 2, 4]
