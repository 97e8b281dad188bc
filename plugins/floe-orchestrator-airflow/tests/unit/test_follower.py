"""What a trigger keeps of the copy of the DAG that Airflow's triggerer gives it."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from airflow.executors.workloads.task import TaskInstanceDTO
from airflow.jobs.triggerer_job_runner import TriggerRunner
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from serialized_dags import DagSerialization

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.dag.job_dag import job_dag
from floe_orchestrator_airflow.mirrors.mirror_triggers import MirrorTrigger

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RUN = {
    "dag_id": "shop",
    "run_id": "manual",
    "logical_date": NOW,
    "data_interval_start": NOW,
    "data_interval_end": NOW,
    "run_after": NOW,
    "start_date": NOW,
    "end_date": None,
    "run_type": "manual",
    "state": "running",
    "consumed_asset_events": [],
    "partition_key": None,
}


def task_instance(artifacts: CompiledArtifacts, task_id: str) -> RuntimeTaskInstance:
    """Return the task instance that the triggerer makes of a mirror's, with a DAG of its own."""
    dag = job_dag(artifacts, artifacts.job("shop"), Path("/compiled"))
    deferred = TaskInstanceDTO(
        id=uuid4(),
        dag_version_id=uuid4(),
        task_id=task_id,
        dag_id="shop",
        run_id="manual",
        try_number=1,
        map_index=-1,
        pool_slots=1,
        priority_weight=1,
        queue="default",
    )
    return TriggerRunner.create_runtime_ti(deferred, DagSerialization.to_dict(dag), RUN)


def test_of_the_copy_of_the_dag_the_ids_of_the_upstream_tasks_are_kept_alone(
    make_artifacts: Callable[..., CompiledArtifacts],
) -> None:
    ti = task_instance(make_artifacts(), "unique_orders_id")
    context = ti.get_template_context()
    copy = weakref.ref(ti.task.dag)
    trigger = MirrorTrigger(["test.shop.unique_orders_id"])
    trigger.task_instance = ti

    trigger.render_template_fields(context)

    assert trigger.upstream == {"orders"}
    gc.collect()
    assert copy() is None
