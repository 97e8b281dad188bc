"""Assigns the nodes of a job to the tasks of its DAG that show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from floe_core.schemas.nodes import Node
from floe_core.schemas.policies import ExecutionPolicy, GroupBy
from floe_orchestrator_airflow.internals import starts_tasks_in_triggerer
from floe_orchestrator_airflow.mirrors.node_groups import node_groups
from floe_orchestrator_airflow.names.airflow_names import group_task_ids, task_ids

# Up to how many nodes a DAG is easy to read, and up to how many a run was measured: with 1,200
# tasks it takes 0.7x as long as plain dbt.
NODE_LIMIT = 100
HARD_NODE_LIMIT = 2000

Shown = Literal["node", "group", "product"]


@dataclass(frozen=True, slots=True)
class Mirror:
    """A task that shows nodes. `upstream` are task ids; `kind` is the type shown in the UI."""

    task_id: str
    nodes: tuple[Node, ...]
    upstream: tuple[str, ...]
    kind: str

    @property
    def node_ids(self) -> list[str]:
        """The ids of its nodes."""
        return [node.unique_id for node in self.nodes]


def choose_granularity(policy: ExecutionPolicy, node_count: int) -> Shown:
    """Return what the DAG of a job shows: every node, groups of nodes, or only the build.

    The tasks of nodes and of groups start in the triggerer. An Airflow that starts none there shows
    only the build.
    """
    if node_count == 0 or not starts_tasks_in_triggerer():
        return "product"
    if policy.granularity == "auto":
        return "node" if node_count <= NODE_LIMIT else "group"
    return policy.granularity


def mirrors(policy: ExecutionPolicy, nodes: Sequence[Node]) -> list[Mirror]:
    """Return the tasks that show the nodes of a job; none if the DAG is a single task."""
    how = choose_granularity(policy, len(nodes))
    if how == "node":
        return _of_nodes(nodes)
    return _of_groups(nodes, policy.group_by) if how == "group" else []


def _of_nodes(nodes: Sequence[Node]) -> list[Mirror]:
    names = task_ids(nodes)
    return [
        Mirror(
            task_id=names[node.unique_id],
            nodes=(node,),
            upstream=tuple(names[i] for i in node.depends_on if i in names),
            kind="step" if node.is_step else f"dbt {node.resource_type.replace('_', ' ')}",
        )
        for node in nodes
    ]


def _of_groups(nodes: Sequence[Node], by: GroupBy) -> list[Mirror]:
    by_id = {node.unique_id: node for node in nodes}
    groups = node_groups(nodes, by)
    names = group_task_ids([group.name for group in groups])
    return [
        Mirror(
            task_id=names[group.name],
            nodes=tuple(by_id[node_id] for node_id in group.node_ids),
            upstream=tuple(names[name] for name in group.upstream),
            kind="dbt nodes",
        )
        for group in groups
    ]
