"""The runs that a run which is executed again goes on with, as Dagster's instance has them."""

from __future__ import annotations

import uuid

import pytest
from dagster import DagsterInstance, DagsterRun

from floe_orchestrator_dagster.step.run_of_step import build_run_id, resumed_runs

FROM_FAILURE = {"dagster/is_resume_retry": "true"}


@pytest.fixture
def instance():
    with DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def run(instance, *, parent=None, tags=None):
    return instance.add_run(
        DagsterRun(
            job_name="shop",
            run_id=str(uuid.uuid4()),
            tags=tags or {},
            parent_run_id=parent.run_id if parent else None,
            root_run_id=parent.run_id if parent else None,
        )
    )


def test_a_run_of_its_own_goes_on_with_none(instance):
    assert resumed_runs(run(instance), instance) == ()


def test_from_failure_goes_on_with_all_before_it_the_first_one_first(instance):
    first = run(instance)
    again = run(instance, parent=first, tags=FROM_FAILURE)
    third = run(instance, parent=again, tags=FROM_FAILURE)
    assert resumed_runs(third, instance) == (first.run_id, again.run_id)


def test_a_run_executed_again_as_a_whole_goes_on_with_none(instance):
    first = run(instance)
    again = run(instance, parent=first)
    assert resumed_runs(again, instance) == ()
    assert resumed_runs(run(instance, parent=again, tags=FROM_FAILURE), instance) == (again.run_id,)


def test_each_step_of_a_run_has_a_build_of_its_own():
    assert [build_run_id("r", step) for step in ("", "shop__dbt_build_2")] == [
        "r",
        "r.shop__dbt_build_2",
    ]
