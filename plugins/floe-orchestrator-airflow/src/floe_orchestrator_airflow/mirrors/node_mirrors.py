"""Assigns the nodes of a job to the tasks of its DAG that show them."""

from __future__ import annotations

from dataclasses import dataclass

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job
from floe_orchestrator_airflow.mirrors.node_groups import node_groups
from floe_orchestrator_airflow.names.granularity import choose_granularity
from floe_orchestrator_airflow.names.task_ids import group_task_ids, task_ids


@dataclass(frozen=True, slots=True)
class Mirror:
    """A task that shows nodes. `upstream` are task ids; `kind` is the type shown in the UI."""

    task_id: str
    node_ids: tuple[str, ...]
    upstream: tuple[str, ...]
    kind: str


def mirrors(artifacts: CompiledArtifacts, job: Job) -> list[Mirror]:
    """Return the tasks that show the nodes of a job; none if the DAG is a single task."""
    how = choose_granularity(artifacts, job)
    if how == "node":
        return _of_nodes(artifacts, job)
    return _of_groups(artifacts, job) if how == "group" else []


def _of_nodes(artifacts: CompiledArtifacts, job: Job) -> list[Mirror]:
    nodes = artifacts.nodes_of(job)
    names = task_ids(nodes)
    return [
        Mirror(
            task_id=names[node.unique_id],
            node_ids=(node.unique_id,),
            upstream=tuple(names[i] for i in node.depends_on if i in names),
            kind="step" if node.is_step else f"dbt {node.resource_type.replace('_', ' ')}",
        )
        for node in nodes
    ]


def _of_groups(artifacts: CompiledArtifacts, job: Job) -> list[Mirror]:
    groups = node_groups(artifacts.nodes_of(job), artifacts.execution.group_by)
    names = group_task_ids([group.name for group in groups])
    return [
        Mirror(
            task_id=names[group.name],
            node_ids=group.node_ids,
            upstream=tuple(names[name] for name in group.upstream),
            kind="dbt nodes",
        )
        for group in groups
    ]
