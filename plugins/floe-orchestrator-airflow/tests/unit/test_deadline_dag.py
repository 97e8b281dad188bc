"""The DAGs that watch over deadlines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from serialized_dags import DagSerialization

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.alerts import deadline_dags

Make = Callable[..., CompiledArtifacts]
RULE = {"on": ["lateness"], "to": "env:NOBODY_SETS_THIS"}
JOBS = [
    {"name": "shop", "deadline": {"time": "07:30", "timezone": "Europe/London"}},
    {"name": "hourly", "node_ids": ["model.shop.orders"]},
    {"name": "deadline", "deadline": {"time": "23:05", "timezone": "UTC"}},
]


def test_each_deadline_has_a_dag_that_runs_at_it_and_is_not_paused(make_artifacts: Make) -> None:
    dags = deadline_dags(make_artifacts(jobs=JOBS, alerts=[RULE]), Path("/compiled"))
    found = [(dag.dag_id, dag.timetable.serialize(), dag.is_paused_upon_creation) for dag in dags]
    first, second = "shop.shop.deadline", "shop.deadline.deadline"
    assert found == [
        (first, {"cron": "30 7 * * *", "timezone": "Europe/London", "dag_id": first}, False),
        (second, {"cron": "5 23 * * *", "timezone": "UTC", "dag_id": second}, False),
    ]
    for dag in dags:
        assert [task.task_id for task in dag.tasks] == ["check_deadline"]
        assert DagSerialization.to_dict(dag)["dag"]["dag_id"] == dag.dag_id


def test_a_product_that_alerts_nobody_has_no_such_dag(make_artifacts: Make) -> None:
    assert deadline_dags(make_artifacts(jobs=JOBS), Path("/compiled")) == []
