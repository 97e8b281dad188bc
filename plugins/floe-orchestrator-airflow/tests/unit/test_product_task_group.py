from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG, Asset, BaseOperator, TaskGroup
from serialized_dags import DagSerialization

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.dag.job_dag import job_dag
from floe_orchestrator_airflow.dag.job_tasks import add_job_tasks

Make = Callable[..., CompiledArtifacts]
PATHS = {
    "models/a/one.sql": [],
    "models/b/two.sql": ["one"],
    "models/a/three.sql": ["two"],
    "models/b/deep/four.sql": ["three"],
}


def nodes() -> list[dict[str, Any]]:
    found = []
    for path, parents in PATHS.items():
        name = Path(path).stem
        node = {"unique_id": f"model.shop.{name}", "name": name, "resource_type": "model"}
        parts = {"package": "shop", "path": path, "fqn": ["shop", name]}
        found.append({**node, **parts, "depends_on": [f"model.shop.{i}" for i in parents]})
    return found


def tree(group: Any) -> dict[str, Any]:
    """Return what the pages show of a group: display name -> group, task id -> None."""
    found: dict[str, Any] = {}
    for child in group.topological_sort():
        is_group = hasattr(child, "children")
        found[child.group_display_name if is_group else child.task_id] = (
            tree(child) if is_group else None
        )
    return found


def test_airflows_pages_can_sort_every_group_though_folders_need_each_other(
    make_artifacts: Make,
) -> None:
    artifacts = make_artifacts(nodes=nodes())
    dag = job_dag(artifacts, artifacts.jobs[0], Path("/compiled"))
    read = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    assert tree(read.task_group) == {
        "dbt_build": None,
        "a": {"one": None},
        "b": {"two": None},
        "a 2": {"three": None},
        "b 2": {"deep": {"four": None}},
        "outcome": None,
    }


def test_the_pages_list_the_tests_of_a_model_right_below_it(make_artifacts: Make) -> None:
    def test_of(name: str) -> dict[str, Any]:
        parent = f"model.shop.{name}"
        node = {"unique_id": f"test.shop.unique_{name}", "name": f"unique_{name}", "tested": parent}
        return {**node, "resource_type": "test", "package": "shop", "depends_on": [parent]}

    names = ["orders", "orders_2", "people"]
    models = [
        {
            "unique_id": f"model.shop.{name}",
            "name": name,
            "resource_type": "model",
            "package": "shop",
            "path": f"models/marts/{name}.sql",
        }
        for name in names
    ]
    artifacts = make_artifacts(nodes=[*models, *map(test_of, names)])
    dag = job_dag(artifacts, artifacts.jobs[0], Path("/compiled"))
    marts = tree(DagSerialization.from_dict(DagSerialization.to_dict(dag)).task_group)["marts"]
    assert list(marts) == [shown for name in names for shown in (name, f"tests of {name}")]
    assert marts["tests of people"] == {"unique_people": None}


@pytest.fixture
def in_a_dag(make_artifacts: Make) -> DAG:
    """Return a team's DAG with tasks before and after two jobs of one product."""
    artifacts = make_artifacts(
        jobs=[{"name": "shop"}, {"name": "late", "node_ids": ["model.shop.orders"]}]
    )
    defaults = {"retries": 4, "owner": "team", "trigger_rule": "all_done"}
    with DAG("team", default_args=defaults) as dag:
        before, after = BaseOperator(task_id="before"), BaseOperator(task_id="after")
        groups = [TaskGroup(group_id=name) for name in ("early", "late")]
        for job, group in zip(artifacts.jobs, groups, strict=True):
            add_job_tasks(artifacts, job, Path("/compiled"), group)
        before >> groups[0] >> groups[1] >> after
    return dag


def test_a_group_has_the_tasks_of_the_product_between_those_of_the_team(in_a_dag: DAG) -> None:
    upstream = {task.task_id: set(task.upstream_task_ids) for task in in_a_dag.tasks}
    assert upstream == {
        "before": set(),
        "early.dbt_build": {"before"},
        "early.raw": {"early.dbt_build"},
        "early.orders": {"early.raw"},
        "early.unique_orders_id": {"early.orders"},
        "early.outcome": {"early.unique_orders_id"},
        "late.dbt_build": {"early.outcome"},
        "late.orders": {"late.dbt_build"},
        "late.outcome": {"late.orders"},
        "after": {"late.outcome"},
    }


def test_its_mirrors_follow_the_build_of_their_own_group(in_a_dag: DAG) -> None:
    def arguments(task_id: str) -> dict[str, Any]:
        args = in_a_dag.get_task(task_id).start_trigger_args
        assert args is not None
        return args.trigger_kwargs or {}

    assert arguments("late.orders")["build_task_id"] == "late.dbt_build"
    assert arguments("late.outcome") == {
        "build_task_id": "late.dbt_build",
        "mirrors": {"model.shop.orders": "late.orders"},
    }


def test_the_retries_are_the_products_and_mirrors_wait_whatever_the_team_s_defaults_are(
    in_a_dag: DAG,
) -> None:
    build, mirror = in_a_dag.get_task("early.dbt_build"), in_a_dag.get_task("early.orders")
    assert (build.retries, mirror.retries, mirror.trigger_rule) == (0, 0, "always")
    assert {build.owner, mirror.owner} == {"team"}


def test_other_arguments_of_a_dag_stand_in_for_those_of_the_product(make_artifacts: Make) -> None:
    artifacts = make_artifacts()
    arguments = {
        "schedule": [Asset("s3://lake/orders")],
        "tags": ["mine"],
        "default_args": {"on_failure_callback": print},
    }
    dag = job_dag(artifacts, artifacts.jobs[0], Path("/compiled"), arguments)
    assert (dag.schedule, dag.tags) == ([Asset("s3://lake/orders")], {"mine"})
    assert {task.owner for task in dag.tasks} == {"shop@example.com"}
    assert all(task.on_failure_callback == [print] for task in dag.tasks)
    assert "node_ids" in dag.params
