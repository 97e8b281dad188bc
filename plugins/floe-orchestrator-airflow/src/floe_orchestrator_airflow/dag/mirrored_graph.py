"""The tasks that show dbt's graph in a DAG, one per node or group, between build and outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk import BaseOperator, TaskGroup

from floe_core.schemas.nodes import Node
from floe_orchestrator_airflow.dag.folder_groups import folder_groups
from floe_orchestrator_airflow.mirrors.mirror_operators import MirrorOperator, OutcomeOperator
from floe_orchestrator_airflow.mirrors.node_mirrors import Mirror
from floe_orchestrator_airflow.names.airflow_names import OUTCOME
from floe_orchestrator_airflow.task.build_operator import FloeBuildOperator

MAX_LISTED = 200


def add_mirrors(
    mirrors: Sequence[Mirror], build: FloeBuildOperator, group: TaskGroup, own_package: str
) -> None:
    """Add the tasks that show nodes to the group of their build task, nodes by their folders.

    `own_package` is the dbt package of the product itself.

    The build comes first, so that clearing it and its downstream tasks clears the whole run. The
    outcome is the only last task: without it a run would be green if none of its leaves failed, and
    leaves below a failure are only skipped.

    For the product's own DAG, the tasks are made first and added afterwards. If they were made
    within the DAG, each would copy its params, and every trigger includes all the tasks.
    """
    # Tasks made outside their DAG do not get its default_args, such as callbacks.
    defaults = {**build.dag.default_args, **group.default_args}
    shared: dict[str, Any] = {
        "build_task_id": build.task_id,
        "owner": build.owner,
        "default_args": defaults,
    }
    single = [mirror.nodes[0] for mirror in mirrors if len(mirror.nodes) == 1]
    folders = folder_groups(single, own_package, group)
    tasks: dict[str, MirrorOperator] = {}
    for mirror in mirrors:
        place = _place(mirror, folders, group)
        tasks[mirror.task_id] = _mirror_task(mirror, build, {**shared, **place})
    outcome = OutcomeOperator(
        task_id=OUTCOME,
        task_group=group,
        mirrors={i: tasks[m.task_id].task_id for m in mirrors for i in m.node_ids},
        doc_md="Green only if every node passed; decides the state of the run.",
        **shared,
    )
    build.dag.add_tasks(task for task in (*tasks.values(), outcome) if not _is_in_dag(task))
    for mirror in mirrors:
        tasks[mirror.task_id].set_upstream([tasks[i] for i in mirror.upstream] or [build])
    outcome.set_upstream([task for task in tasks.values() if not task.downstream_task_ids])


def _is_in_dag(task: BaseOperator) -> bool:
    """Return whether the task joined a DAG when it was made, as in a `with` block."""
    return bool(task.has_dag())  # type: ignore[no-untyped-call]


def _place(mirror: Mirror, folders: Mapping[str, TaskGroup], outer: TaskGroup) -> dict[str, Any]:
    """Return the arguments that set the task's id and group; `folders` is of single nodes."""
    group = folders.get(mirror.nodes[0].unique_id, outer)
    place = {"task_id": mirror.task_id, "task_group": group}
    if group is outer or outer.is_root:
        return place
    # A folder's group does not prefix the ids of its tasks with that of the outer group.
    full = f"{outer.group_id}.{mirror.task_id}"
    return {**place, "task_id": full, "task_display_name": mirror.task_id}


def _mirror_task(
    mirror: Mirror, build: FloeBuildOperator, arguments: dict[str, Any]
) -> MirrorOperator:
    nodes = mirror.nodes
    documentation = _documentation(nodes[0]) if len(nodes) == 1 else _list(nodes)
    return MirrorOperator(
        node_ids=mirror.node_ids,
        kind=mirror.kind,
        project_dir=build.project_dir,
        job=build.job,
        sends_alerts=build.sends_alerts,
        # For the case that it is cleared and runs on a worker. The build task has the outlets.
        pool=build.pool,
        doc_md=documentation,
        **arguments,
    )


def _documentation(node: Node) -> str:
    facts = {
        "dbt id": node.unique_id,
        "relation": node.relation_name if node.is_relation else "",
        "materialization": node.materialization if node.is_relation else "",
        "file": node.path,
    }
    lines = [f"* **{name}**: `{value}`" for name, value in facts.items() if value]
    return "\n".join([node.description, "", *lines]).strip()


def _list(nodes: Sequence[Node]) -> str:
    shown = [f"* `{node.unique_id}`" for node in nodes[:MAX_LISTED]]
    more = [f"* ... and {len(nodes) - MAX_LISTED} more"] if len(nodes) > MAX_LISTED else []
    return "\n".join([f"{len(nodes)} nodes of one `dbt build`:", "", *shown, *more])
