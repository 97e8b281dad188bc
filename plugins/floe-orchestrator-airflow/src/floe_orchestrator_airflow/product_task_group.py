"""A product as a TaskGroup of a team's own DAG."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import Any

from airflow.sdk import DAG, TaskGroup

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job
from floe_orchestrator_airflow.dag.dag_documentation import dag_documentation
from floe_orchestrator_airflow.dag.job_tasks import add_job_tasks
from floe_orchestrator_airflow.loader import load_product, whole_product_job

_FORBIDDEN = re.compile(r"[^A-Za-z0-9_-]+")


def floe_task_group(
    project_dir: Path | str,
    *,
    job: str | None = None,
    group_id: str | None = None,
    default_args: Mapping[str, Any] = MappingProxyType({}),
    dag: DAG | None = None,
    parent_group: TaskGroup | None = None,
) -> TaskGroup:
    """Return a product compiled in this folder, or one job of it, as a group of a DAG.

    Call it within `with DAG(...)` or a function decorated with `@dag`, or name the `dag` or the
    `parent_group`, as for Airflow's own TaskGroup. The group has the tasks that the product's own
    DAG has, with their retries and timeouts, and can be put before and after other tasks.
    `group_id` is by default the product's name, followed by the job's if that is another;
    `default_args` are Airflow's, for the tasks of the group. The schedule of floe.yaml does not
    apply: the DAG has its own.

    Raises:
        RuntimeError: There is no current DAG, and none is named.
        StaleProductError: The folder holds no compiled product.
        InvalidProductError: The product cannot run on Airflow; lists every reason.
        UsageError: The product has no such job.
    """
    artifacts = load_product(Path(project_dir))
    chosen = whole_product_job(artifacts) if job is None else artifacts.job(job)
    with ExitStack() as within:
        for each in (dag or (parent_group and parent_group.dag), parent_group):
            if each is not None:
                within.enter_context(each)
        group = TaskGroup(
            group_id=group_id or _group_id(artifacts, chosen),
            default_args=dict(default_args),  # type: ignore[arg-type]
            tooltip=artifacts.product.description.split("\n")[0],
            doc_md=dag_documentation(artifacts, chosen),
        )
        add_job_tasks(artifacts, chosen, Path(project_dir).absolute(), group)
    return group


def _group_id(artifacts: CompiledArtifacts, job: Job) -> str:
    name = artifacts.product.name
    return name if job.name == name else _FORBIDDEN.sub("_", f"{name}_{job.name}")
