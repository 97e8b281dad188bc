from __future__ import annotations

import pytest
from airflow.sdk import DAG

from floe_core.plugin_interfaces import TransformConfig
from floe_orchestrator_airflow import AirflowPlugin


def upstream(operators: list) -> dict[str, set[str]]:
    return {operator.task_id: set(operator.upstream_task_ids) for operator in operators}


def test_each_transform_is_an_operator_after_those_it_depends_on() -> None:
    operators = AirflowPlugin().create_assets_from_transforms(
        [
            TransformConfig("dim", depends_on=["stg", "from_elsewhere"]),
            TransformConfig("stg"),
        ]
    )
    assert upstream(operators) == {"dim": {"stg"}, "stg": set()}
    assert [set(o.downstream_task_ids) for o in operators] == [set(), {"dim"}]


def test_operators_join_the_dag_they_are_made_in() -> None:
    with DAG("mine", schedule=None) as dag:
        AirflowPlugin().create_assets_from_transforms(
            [TransformConfig("a"), TransformConfig("b", depends_on=["a"])]
        )
    assert upstream(list(dag.tasks)) == {"a": set(), "b": {"a"}}


def test_operators_can_be_added_to_a_dag_later() -> None:
    operators = AirflowPlugin().create_assets_from_transforms(
        [TransformConfig("a"), TransformConfig("b", depends_on=["a"])]
    )
    dag = DAG("later", schedule=None)
    dag.add_tasks(operators)
    dag.check_cycle()
    assert dag.get_task("b").upstream_list == [dag.get_task("a")]


def test_what_is_known_of_a_transform_is_readable_and_what_is_not_is_absent() -> None:
    [full, bare] = AirflowPlugin().create_assets_from_transforms(
        [
            TransformConfig(
                "dim",
                path="models/dim.sql",
                schema_name="gold",
                materialization="view",
                tags=["daily"],
                meta={"owner": "shop"},
                compute="duckdb",
            ),
            TransformConfig("bare"),
        ]
    )
    facts = {
        "path": "models/dim.sql",
        "schema_name": "gold",
        "materialization": "view",
        "tags": ["daily"],
        "meta": {"owner": "shop"},
        "compute": "duckdb",
    }
    assert full.facts == dict(full.params) == facts
    assert bare.facts == dict(bare.params) == {"materialization": "table"}


@pytest.mark.parametrize(
    ("transforms", "error"),
    [
        (
            [TransformConfig("a", depends_on=["b"]), TransformConfig("b", depends_on=["a"])],
            "transforms depend on each other in a cycle: a -> b -> a",
        ),
        ([TransformConfig("a", depends_on=["a"])], "transform 'a' depends on itself"),
        (
            [TransformConfig("a"), TransformConfig("a")],
            "transform names must differ; given more than once: 'a'",
        ),
    ],
)
def test_what_is_no_graph_is_refused(transforms: list[TransformConfig], error: str) -> None:
    with pytest.raises(ValueError) as refused:
        AirflowPlugin().create_assets_from_transforms(transforms)
    assert str(refused.value) == error
