from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from floe_core.plugin_api.powers import RunOptions, RunReport
from floe_core.runs.build_events import NodeResult, NodeStatus
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.local.verdict import report_of_run

Make = Callable[..., CompiledArtifacts]
SEED, MODEL, TEST = "seed.shop.raw", "model.shop.orders", "test.shop.unique_orders_id.1a2b"


def report(
    artifacts: CompiledArtifacts,
    state: str,
    nodes: Mapping[str, NodeStatus],
    tasks: Mapping[str, str],
    node_ids: tuple[str, ...] | None = None,
) -> RunReport:
    return report_of_run(
        artifacts=artifacts,
        options=RunOptions(job="shop", node_ids=node_ids),
        run_id="r1",
        state=state,
        seconds=1.0,
        results={i: NodeResult(i, status) for i, status in nodes.items()},
        tasks={"dbt_build": "success", **tasks},
        home=Path("/home"),
    )


def statuses(found: RunReport) -> dict[str, str]:
    return {node_id: result.status for node_id, result in found.nodes.items()}


ALL_PASSED: dict[str, NodeStatus] = {SEED: "success", MODEL: "success", TEST: "pass"}
GREEN = {"raw": "success", "orders": "success", "unique_orders_id": "success"}


def test_a_run_that_both_call_a_success_is_one(make_artifacts: Make) -> None:
    found = report(make_artifacts(), "success", ALL_PASSED, GREEN)
    assert (found.status, found.message, statuses(found)) == ("success", "", ALL_PASSED)


def test_a_green_run_with_a_node_that_did_not_pass_has_failed(make_artifacts: Make) -> None:
    found = report(make_artifacts(), "success", {**ALL_PASSED, TEST: "fail"}, GREEN)
    assert found.status == "failed"
    assert found.message == (
        f"Airflow calls the run a success, but these did not pass: {TEST}; "
        f"{TEST} ended as fail, but Airflow has its task as success"
    )


def test_a_green_run_with_a_red_task_has_failed(make_artifacts: Make) -> None:
    found = report(make_artifacts(), "success", ALL_PASSED, {**GREEN, "orders": "failed"})
    assert found.status == "failed"
    assert found.message == f"{MODEL} ended as success, but Airflow has its task as failed"


def test_a_node_without_a_result_did_not_run(make_artifacts: Make) -> None:
    nodes: dict[str, NodeStatus] = {SEED: "success", MODEL: "error"}
    tasks = {"raw": "success", "orders": "failed", "unique_orders_id": "skipped"}
    found = report(make_artifacts(), "failed", nodes, tasks)
    assert found.status == "failed"
    assert found.message == "2 of 3 nodes: 1 error, 1 skipped\nmodel.shop.orders: error"
    assert statuses(found) == {SEED: "success", MODEL: "error", TEST: "skipped"}


def test_a_failure_that_no_node_explains_names_the_task_and_its_log(make_artifacts: Make) -> None:
    artifacts = make_artifacts(execution={"granularity": "product"})
    found = report(artifacts, "failed", ALL_PASSED, {"dbt_build": "failed"})
    assert found.message == (
        "the run failed though no node did (failed tasks: dbt_build); "
        "see the log of dbt_build in /home/logs"
    )


def test_a_narrowed_run_is_judged_by_its_own_nodes(make_artifacts: Make) -> None:
    tasks = {"raw": "success", "orders": "skipped", "unique_orders_id": "skipped"}
    found = report(make_artifacts(), "success", {SEED: "success"}, tasks, node_ids=(SEED,))
    assert (found.status, statuses(found)) == ("success", {SEED: "success"})


def test_a_group_that_is_green_with_a_node_that_failed_is_a_failed_run(
    make_artifacts: Make,
) -> None:
    found = report(
        make_artifacts(execution={"granularity": "group"}),
        "failed",
        {**ALL_PASSED, TEST: "fail"},
        {"seeds": "success", "models": "success"},
    )
    assert (found.status, found.message) == (
        "failed",
        f"{MODEL} ended as success, {TEST} ended as fail, but Airflow has its task as success",
    )
