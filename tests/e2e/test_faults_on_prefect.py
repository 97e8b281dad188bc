"""What goes wrong in `test_faults.py` goes wrong in the same way on Prefect.

States are those that the launched run reports; what ran is read from the warehouse.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from everywhere import has_begun, holders_of
from faulty_product import (
    AFTER,
    ENDLESS,
    RESUMED_IN_MIDDLE,
    STOPPED_IN_MIDDLE,
    FaultyProduct,
    at_first_try,
    ran,
    runs_in_order,
    warehouse,
)
from further_faults import DBT, LARGE, dbt_on_a_small_disk
from what_works_at import processes_at

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.powers import RunOptions, RunReport
from floe_core.runs.build_events import BuildEvent
from floe_core.schemas import CompiledArtifacts
from floe_orchestrator_prefect import PrefectPlugin

RETRY_ONCE = "retries: 1, retryDelaySeconds: 1"
GREEN = {
    **dict.fromkeys(("first", "middle", "last", "aside"), "success"),
    "middle_is_good": "pass",
}
STOPPED = {"first": "success", "aside": "success", "middle": "error"}
STOPPED |= {"middle_is_good": "skipped", "last": "skipped"}


def compiled(product: FaultyProduct, folder: Path) -> CompiledArtifacts:
    return product.compiled(folder / "shop", "shop", "prefect", "")


def launch(
    artifacts: CompiledArtifacts,
    meddle: Callable[[BuildEvent], None] = lambda event: None,
) -> RunReport:
    return PrefectPlugin().launch_run(artifacts, RunOptions("shop"), meddle)


def outcome(artifacts: CompiledArtifacts, report: RunReport) -> tuple[str, dict[str, str]]:
    """Return the state of a run and of its nodes; nothing of it may be at work any more."""
    assert processes_at(artifacts.folder) == []
    nodes = {i.split(".")[2]: result.status for i, result in report.nodes.items()}
    return report.status, nodes


def test_what_fails_at_first_and_passes_at_the_second_try_is_all_that_runs_again(
    tmp_path: Path,
) -> None:
    flaky = FaultyProduct(at_first_try("select error('not yet') as id"), RETRY_ONCE)
    artifacts = compiled(flaky, tmp_path)
    assert outcome(artifacts, launch(artifacts)) == ("success", GREEN)
    assert ran(artifacts) == sorted(RESUMED_IN_MIDDLE)


def test_what_always_fails_ends_the_run_red_after_its_retries(tmp_path: Path) -> None:
    broken = FaultyProduct("select error('never') as id from {{ ref('first') }}", RETRY_ONCE)
    artifacts = compiled(broken, tmp_path)
    assert outcome(artifacts, launch(artifacts)) == ("failed", STOPPED)
    assert ran(artifacts) == sorted([*STOPPED_IN_MIDDLE, "middle 2 began"])


def test_a_failed_test_is_a_verdict_that_no_retry_changes(tmp_path: Path) -> None:
    artifacts = compiled(
        FaultyProduct("select -id as id from {{ ref('first') }}", RETRY_ONCE), tmp_path
    )
    nodes = GREEN | {"middle_is_good": "fail", "last": "skipped"}
    assert outcome(artifacts, launch(artifacts)) == ("failed", nodes)
    tested = ["middle_is_good ran", "middle_is_good 1 failed"]
    assert ran(artifacts) == sorted([*STOPPED_IN_MIDDLE, "middle 1 passed", *tested])


def test_a_model_that_hangs_is_ended_at_the_timeout(tmp_path: Path) -> None:
    artifacts = compiled(FaultyProduct(ENDLESS, "timeoutSeconds: 15"), tmp_path)
    assert outcome(artifacts, launch(artifacts)) == ("failed", STOPPED)
    assert ran(artifacts) == sorted(STOPPED_IN_MIDDLE)


def test_a_run_that_is_canceled_stops_at_once_and_is_not_retried(tmp_path: Path) -> None:
    def cancel(event: BuildEvent) -> None:
        if has_begun(event, "middle"):
            time.sleep(1.5)
            raise KeyboardInterrupt

    artifacts = compiled(FaultyProduct(ENDLESS, RETRY_ONCE), tmp_path)
    with pytest.raises(KeyboardInterrupt):
        launch(artifacts, cancel)
    assert processes_at(artifacts.folder) == []
    assert ran(artifacts) == sorted(STOPPED_IN_MIDDLE)


@pytest.mark.slow
def test_two_runs_at_once_take_turns(tmp_path: Path) -> None:
    artifacts = compiled(FaultyProduct(AFTER.format("first")), tmp_path)
    with ThreadPoolExecutor(2) as pool:
        reports = [*pool.map(launch, [artifacts, artifacts])]
    assert [outcome(artifacts, report) for report in reports] == [("success", GREEN)] * 2
    runs = runs_in_order(artifacts)
    assert len(set(runs)) == 2
    assert runs == [runs[0]] * 8 + [runs[-1]] * 8


def killer_of_first_attempts(artifacts: CompiledArtifacts) -> Callable[[BuildEvent], None]:
    """Return what kills the process that has the warehouse open, once."""
    killed: list[int] = []

    def kill(event: BuildEvent) -> None:
        if has_begun(event, "middle") and not killed:
            time.sleep(3)
            [builder] = holders_of(warehouse(artifacts))
            killed.append(builder.pid)
            builder.kill()

    return kill


@pytest.mark.slow
def test_a_run_whose_worker_died_has_failed(tmp_path: Path) -> None:
    artifacts = compiled(FaultyProduct(at_first_try(ENDLESS), RETRY_ONCE), tmp_path)
    with pytest.raises(EnvironmentProblemError, match="process ended with -9 before the run did"):
        launch(artifacts, killer_of_first_attempts(artifacts))
    assert processes_at(artifacts.folder) == []
    assert ran(artifacts) == sorted(STOPPED_IN_MIDDLE)


@pytest.mark.slow
def test_after_dbt_died_the_next_attempt_runs_the_rest(tmp_path: Path) -> None:
    own_dbt = f"{RETRY_ONCE}, dbtExecutable: {DBT}"
    artifacts = compiled(FaultyProduct(at_first_try(ENDLESS), own_dbt), tmp_path)
    report = launch(artifacts, killer_of_first_attempts(artifacts))
    assert outcome(artifacts, report) == ("success", GREEN)
    assert ran(artifacts) == sorted(RESUMED_IN_MIDDLE)


@pytest.mark.slow
def test_a_full_disk_fails_what_it_fails_and_the_retry_runs_the_rest(tmp_path: Path) -> None:
    own_dbt = f"{RETRY_ONCE}, dbtExecutable: {dbt_on_a_small_disk(tmp_path)}"
    artifacts = compiled(FaultyProduct(LARGE, own_dbt), tmp_path)
    assert outcome(artifacts, launch(artifacts)) == ("success", GREEN)
    assert ran(artifacts) == sorted(RESUMED_IN_MIDDLE)
