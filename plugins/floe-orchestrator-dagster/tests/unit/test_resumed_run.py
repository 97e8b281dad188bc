"""What a run that is executed again has left to do, from the records of those before it."""

from __future__ import annotations

import uuid

import pytest
from dagster import DagsterInstance, DagsterRun

from floe_core.build_events import NodeResult
from floe_core.execution.journal import Journal
from floe_orchestrator_dagster.step.resumed_run import ResumedRun, build_run_id

WANTED = ("model.shop.a", "model.shop.b", "model.shop.c", "test.shop.t")
FROM_FAILURE = {"dagster/is_resume_retry": "true"}


@pytest.fixture
def instance():
    with DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def run(instance, folder, statuses, *, parent=None, tags=None):
    """Add a run that left these statuses, by the last letter of the node."""
    ids = {node_id[-1]: node_id for node_id in WANTED}
    made = instance.add_run(
        DagsterRun(
            job_name="shop",
            run_id=str(uuid.uuid4()),
            tags=tags or {},
            parent_run_id=parent.run_id if parent else None,
            root_run_id=parent.run_id if parent else None,
        )
    )
    with Journal(folder, made.run_id) as journal:
        for letter, status in statuses.items():
            journal.write(NodeResult(ids[letter], status))
    return made


def left(instance, folder, latest):
    resumed = ResumedRun.of(latest, instance, folder)
    return resumed.count, resumed.left_of(WANTED)


def test_a_run_of_its_own_does_everything(instance, tmp_path):
    first = run(instance, tmp_path, {})
    assert left(instance, tmp_path, first) == (0, WANTED)


def test_from_failure_does_what_has_not_passed_failed_tests_and_what_never_began_too(
    instance, tmp_path
):
    first = run(instance, tmp_path, {"a": "success", "b": "error", "t": "fail"})
    again = run(instance, tmp_path, {}, parent=first, tags=FROM_FAILURE)
    assert left(instance, tmp_path, again) == (1, WANTED[1:])


def test_from_failure_twice_does_what_neither_run_before_has_passed(instance, tmp_path):
    first = run(instance, tmp_path, {"a": "success", "b": "error"})
    again = run(instance, tmp_path, {"b": "success"}, parent=first, tags=FROM_FAILURE)
    third = run(instance, tmp_path, {}, parent=again, tags=FROM_FAILURE)
    assert left(instance, tmp_path, third) == (2, WANTED[2:])


def test_a_run_executed_again_as_a_whole_does_everything(instance, tmp_path):
    first = run(instance, tmp_path, {"a": "success", "b": "error"})
    again = run(instance, tmp_path, {}, parent=first)
    assert left(instance, tmp_path, again) == (0, WANTED)


def test_from_failure_of_a_run_that_passed_does_everything(instance, tmp_path):
    first = run(instance, tmp_path, dict.fromkeys("abc", "success") | {"t": "pass"})
    again = run(instance, tmp_path, {}, parent=first, tags=FROM_FAILURE)
    assert left(instance, tmp_path, again) == (1, WANTED)


def test_a_second_step_of_a_run_goes_on_with_its_own_records(instance, tmp_path):
    failed = run(instance, tmp_path, {"a": "success"})
    with Journal(tmp_path, build_run_id(failed.run_id, "shop__dbt_build_2")) as journal:
        journal.write(NodeResult("model.shop.b", "success"))
    again = run(instance, tmp_path, {}, parent=failed, tags=FROM_FAILURE)
    first, second = (
        ResumedRun.of(again, instance, tmp_path, step) for step in ("", "shop__dbt_build_2")
    )
    assert first.left_of(("model.shop.a", "model.shop.b")) == ("model.shop.b",)
    assert second.left_of(("model.shop.a", "model.shop.b")) == ("model.shop.a",)
