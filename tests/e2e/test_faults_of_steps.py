"""What goes wrong in a step goes wrong as in a model, in the same way on every orchestrator.

The product of `test_faults.py`, with a step in the place of its model `middle`: the answers are the
same, down to the rows in the warehouse.
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
    SIDES,
    assert_all,
    compiled_everywhere,
    dagster_outcome,
    has_begun,
    run_everywhere,
)
from faulty_product import RESUMED_IN_MIDDLE, STOPPED_IN_MIDDLE, ran
from faulty_step import BEGUN_FILE, FAILS, HANGS, FaultyStep, at_first
from wait_for import wait_for
from what_works_at import processes_at, worker_of_step_in

from floe_core.plugin_api.powers import RunOptions, RunReport
from floe_core.runs.build_events import BuildEvent
from floe_core.schemas import CompiledArtifacts
from floe_orchestrator_airflow.local.service import LocalAirflow
from floe_orchestrator_prefect import PrefectPlugin

RETRY_ONCE = "retries: 1, retryDelaySeconds: 1"
SKIPPED = ("middle_is_good", "last")


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAirflow]:
    with LocalAirflow(tmp_path_factory.mktemp("airflow")) as service:
        yield service


def on_prefect(product: FaultyStep, folder: Path) -> tuple[RunReport, CompiledArtifacts]:
    artifacts = product.compiled(folder / "prefect", "on-prefect", "prefect", "")
    report = PrefectPlugin().launch_run(artifacts, RunOptions("on-prefect"), lambda event: None)
    return report, artifacts


def statuses(report: RunReport) -> dict[str, str]:
    return {i.split(".")[2]: result.status for i, result in report.nodes.items()}


@pytest.mark.slow
def test_a_step_that_fails_at_first_is_all_that_runs_again(
    airflow: LocalAirflow, tmp_path: Path
) -> None:
    flaky = FaultyStep(at_first(FAILS), RETRY_ONCE)
    outcomes = run_everywhere(compiled_everywhere(flaky, tmp_path, "flaky-step"), airflow)
    again = RESUMED_IN_MIDDLE
    assert_all(outcomes, state="success", attempts=2, ran=again, green=ALL, red=set())


@pytest.mark.slow
def test_a_step_that_always_fails_ends_the_run_after_its_retries(
    airflow: LocalAirflow, tmp_path: Path
) -> None:
    broken = FaultyStep(FAILS, "retryDelaySeconds: 1", step="retries: 1")
    outcomes = run_everywhere(compiled_everywhere(broken, tmp_path, "broken-step"), airflow)
    assert_all(
        outcomes,
        state="failed",
        attempts=2,
        ran=[*STOPPED_IN_MIDDLE, "middle 2 began"],
        green={"first", "aside"},
        red={"middle"},
    )
    assert all("no answer from the shop" in outcomes[side].message for side in SIDES), outcomes


@pytest.mark.slow
def test_a_step_that_hangs_is_ended_at_its_own_timeout(
    airflow: LocalAirflow, tmp_path: Path
) -> None:
    hanging = FaultyStep(HANGS, step="timeoutSeconds: 10")
    outcomes = run_everywhere(compiled_everywhere(hanging, tmp_path, "hanging-step"), airflow)
    green, red = {"first", "aside"}, {"middle"}
    assert_all(outcomes, state="failed", ran=STOPPED_IN_MIDDLE, green=green, red=red)
    assert all("timed out after 10 s" in outcomes[side].message for side in SIDES), outcomes


@pytest.mark.slow
def test_a_canceled_run_ends_its_step_at_once(airflow: LocalAirflow, tmp_path: Path) -> None:
    def cancel(side: str, artifacts: CompiledArtifacts, event: BuildEvent) -> None:
        if has_begun(event, "middle"):
            wait_for((artifacts.folder / BEGUN_FILE).exists, 60)
            if side == DAGSTER:
                raise KeyboardInterrupt
            dag_id = artifacts.product.name
            path = f"/api/v2/dags/{dag_id}/dagRuns"
            [run] = airflow.api.request("GET", path)["dag_runs"]
            airflow.api.request("PATCH", f"{path}/{quote(run['dag_run_id'])}", {"state": "failed"})

    endless = FaultyStep(HANGS, RETRY_ONCE)
    products = compiled_everywhere(endless, tmp_path, "canceled-step")
    outcomes = run_everywhere(products, airflow, cancel)
    for side, outcome in outcomes.items():
        assert (outcome.left, outcome.attempts) == ([], 1), (side, outcome)
        assert outcome.ran == STOPPED_IN_MIDDLE, (side, outcome)
    states = {DAGSTER: "canceled", NODE: "failed", PRODUCT: "failed"}
    assert {side: outcome.state for side, outcome in outcomes.items()} == states


@pytest.mark.slow
def test_after_the_worker_of_a_step_died_the_next_attempt_runs_the_rest(
    airflow: LocalAirflow, tmp_path: Path
) -> None:
    killed: set[str] = set()

    def kill(side: str, artifacts: CompiledArtifacts, event: BuildEvent) -> None:
        if has_begun(event, "middle") and side not in killed:
            killed.add(side)
            wait_for((artifacts.folder / BEGUN_FILE).exists, 60)
            time.sleep(1)
            worker_of_step_in(artifacts).kill()

    products = compiled_everywhere(FaultyStep(at_first(HANGS), RETRY_ONCE), tmp_path, "killed-step")
    outcomes = run_everywhere(products, airflow, kill)
    dead = outcomes[DAGSTER]
    assert (dead.state, dead.left) == ("failed", []), dead
    again = reexecute(products[DAGSTER], dead.run_id)
    outcomes[DAGSTER] = dagster_outcome(products[DAGSTER], again)
    assert outcomes[DAGSTER].green == ALL - {"first", "aside"}
    # The dead run may have had two attempts, so that those of this one are counted from 3.
    ran_again = sorted(text.replace(" 3 ", " 2 ") for text in outcomes[DAGSTER].ran)
    outcomes[DAGSTER] = replace(outcomes[DAGSTER], green=frozenset(ALL), attempts=2, ran=ran_again)
    again_ran = RESUMED_IN_MIDDLE
    assert_all(outcomes, state="success", attempts=2, ran=again_ran, green=ALL, red=set())


def test_a_killed_step_is_tried_again_on_prefect(tmp_path: Path) -> None:
    killed = at_first("os.kill(os.getpid(), signal.SIGKILL)")
    report, artifacts = on_prefect(FaultyStep(killed, RETRY_ONCE), tmp_path)
    assert (report.status, ran(artifacts)) == ("success", sorted(RESUMED_IN_MIDDLE))
    assert processes_at(artifacts.folder) == []


def test_a_step_that_always_fails_is_an_error_on_prefect(tmp_path: Path) -> None:
    report, artifacts = on_prefect(
        FaultyStep(FAILS, "retryDelaySeconds: 1", "retries: 1"), tmp_path
    )
    assert report.status == "failed"
    assert statuses(report) == {
        "first": "success",
        "aside": "success",
        "middle": "error",
        **dict.fromkeys(SKIPPED, "skipped"),
    }
    assert "no answer from the shop" in report.message
    assert ran(artifacts) == sorted([*STOPPED_IN_MIDDLE, "middle 2 began"])
