from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from floe_core.execution import RunRecord, failure_of, failure_of_build, record_of, wanted_nodes
from floe_core.execution.record.journal import Journal
from floe_core.foundation.errors import UsageError
from floe_core.runs.build_events import BuildEnded, BuildEvent, NodeLog, NodeResult, NodeStatus
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job

Shop = Callable[..., CompiledArtifacts]

RAW, ORDERS, CHECKED = "seed.shop.raw", "model.shop.orders", "test.shop.checked"
TOTAL, TOTAL_CHECKED, ASIDE = "model.shop.total", "test.shop.total_checked", "model.shop.aside"


def ended(node_id: str, status: NodeStatus, message: str = "") -> NodeResult:
    return NodeResult(node_id, status, message=message)


def write(folder: Path, run_id: str, *events: BuildEvent) -> None:
    with Journal(folder, run_id) as journal:
        for event in events:
            journal.write(event)


def test_a_record_has_the_last_result_of_a_node_and_counts_its_errors() -> None:
    events = [
        ended(ORDERS, "error"),
        ended(CHECKED, "skipped"),
        NodeLog(ORDERS, "error", "no"),
        ended(ORDERS, "error"),
        ended(CHECKED, "fail"),
        ended(ORDERS, "success"),
        BuildEnded(False),
    ]
    assert RunRecord.of(events) == RunRecord(
        {ORDERS: ended(ORDERS, "success"), CHECKED: ended(CHECKED, "fail")}, {ORDERS: 2}
    )


def test_a_record_goes_on_with_what_comes_after_it() -> None:
    first = [ended(RAW, "success"), ended(ORDERS, "error"), ended(ASIDE, "error")]
    further = [ended(ORDERS, "error"), ended(ORDERS, "success")]
    assert RunRecord.of(first).after(further) == RunRecord.of([*first, *further])


def test_runs_that_go_on_with_one_another_have_one_record(shop: Shop, tmp_path: Path) -> None:
    write(tmp_path, "first", ended(RAW, "success"), ended(ORDERS, "error"))
    write(tmp_path, "second", ended(ORDERS, "success"))
    assert record_of(shop().bound_to(tmp_path), "first", "not begun", "second") == RunRecord(
        {RAW: ended(RAW, "success"), ORDERS: ended(ORDERS, "success")}, {ORDERS: 1}
    )


def test_artifacts_of_no_folder_have_no_record(shop: Shop) -> None:
    with pytest.raises(UsageError) as refused:
        record_of(shop(), "run")
    assert str(refused.value) == (
        "these artifacts come from no folder; use CompiledArtifacts.load(folder)"
    )


def test_a_request_wants_its_job_or_the_nodes_that_it_names(shop: Shop) -> None:
    artifacts = shop(jobs=(Job(name="shop"), Job(name="part", node_ids=(ORDERS, RAW))))
    assert len(wanted_nodes(artifacts, BuildRequest("shop", "r"))) == 6
    assert wanted_nodes(artifacts, BuildRequest("part", "r")) == (ORDERS, RAW)
    named = BuildRequest("part", "r", node_ids=(TOTAL, ASIDE, TOTAL))
    assert wanted_nodes(artifacts, named) == (ASIDE, TOTAL)


def test_a_node_that_the_product_does_not_have_is_refused_by_its_name(shop: Shop) -> None:
    with pytest.raises(UsageError) as refused:
        wanted_nodes(shop(), BuildRequest("shop", "r", node_ids=("model.shop.y", RAW, "model.x")))
    assert str(refused.value) == "shop has no node model.shop.y, model.x"


def test_a_failure_names_what_is_to_blame_among_what_was_wanted(shop: Shop) -> None:
    record = RunRecord.of(
        [
            ended(ORDERS, "error", "no such column"),
            ended(TOTAL, "skipped", "held back"),
            ended(CHECKED, "fail"),
            ended(ASIDE, "error", "of another run"),
        ]
    )
    failure = failure_of(shop(retries=1), (RAW, ORDERS, CHECKED, TOTAL), record, "dbt failed")
    assert failure.text == (
        "dbt failed\nmodel.shop.orders: no such column\ntest.shop.checked: fail"
    )
    assert failure.may_retry


def test_a_build_whose_tests_alone_failed_may_not_be_tried_again(
    shop: Shop, tmp_path: Path
) -> None:
    artifacts = shop(retries=1).bound_to(tmp_path)
    request = BuildRequest("shop", "r", node_ids=(ORDERS, CHECKED, TOTAL))
    held_back = ended(TOTAL, "skipped")
    write(tmp_path, "r", ended(ORDERS, "success"), ended(CHECKED, "fail", "Got 2"), held_back)
    end = BuildEnded(False, "timed out after 3 s")
    failure = failure_of_build(artifacts, request, end)
    assert (failure.text, failure.may_retry) == (
        "timed out after 3 s\ntest.shop.checked: Got 2",
        False,
    )
