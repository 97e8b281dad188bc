"""The tasks that show dbt's graph in a DAG, one per node or group, between build and outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.sdk import BaseOperator, TaskGroup

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_orchestrator_airflow.dag.folder_groups import FolderGroups
from floe_orchestrator_airflow.mirrors.mirror_operators import MirrorOperator, OutcomeOperator
from floe_orchestrator_airflow.mirrors.node_mirrors import Mirror
from floe_orchestrator_airflow.names.task_ids import OUTCOME
from floe_orchestrator_airflow.task.build_operator import FloeBuildOperator
from floe_orchestrator_airflow.task.node_assets import relation

MAX_LISTED = 200


def add_mirrors(
    artifacts: CompiledArtifacts,
    mirrors: Sequence[Mirror],
    build: FloeBuildOperator,
    group: TaskGroup,
) -> None:
    """Add the tasks that show nodes to the group of their build task.

    The build comes first, so that clearing it and its downstream tasks clears the whole run. The
    outcome is the only last task: without it a run would be green if none of its leaves failed, and
    leaves below a failure are only skipped.

    For the product's own DAG, the tasks are made first and added afterwards. If they were made
    within the DAG, each would copy its params, and every trigger includes all the tasks.
    """
    make = _Maker(artifacts, mirrors, build, group)
    tasks = {mirror.task_id: make.mirror(mirror) for mirror in mirrors}
    outcome = make.outcome({i: tasks[m.task_id].task_id for m in mirrors for i in m.node_ids})
    build.dag.add_tasks(task for task in (*tasks.values(), outcome) if not _is_in_dag(task))
    for mirror in mirrors:
        tasks[mirror.task_id].set_upstream([tasks[i] for i in mirror.upstream] or [build])
    outcome.set_upstream([task for task in tasks.values() if not task.downstream_task_ids])


def _is_in_dag(task: BaseOperator) -> bool:
    """Return whether the task joined a DAG when it was made, as in a `with` block."""
    return bool(task.has_dag())  # type: ignore[no-untyped-call]


class _Maker:
    """Makes the tasks of one group, with the settings that they share with the build."""

    def __init__(
        self,
        artifacts: CompiledArtifacts,
        mirrors: Sequence[Mirror],
        build: FloeBuildOperator,
        group: TaskGroup,
    ) -> None:
        self._artifacts = artifacts
        self._build = build
        self._outer = group
        # Tasks made outside their DAG do not get its default_args, such as callbacks.
        defaults = {**build.dag.default_args, **group.default_args}
        self._shared = {"owner": build.owner, "default_args": defaults}
        shown = [artifacts.by_id[m.node_ids[0]] for m in mirrors if len(m.node_ids) == 1]
        self._folders = FolderGroups(shown, artifacts.dbt.project_name, group)

    def mirror(self, mirror: Mirror) -> MirrorOperator:
        """Return the task that shows the nodes of a mirror."""
        nodes = [self._artifacts.by_id[node_id] for node_id in mirror.node_ids]
        return MirrorOperator(
            node_ids=list(mirror.node_ids),
            build_task_id=self._build.task_id,
            kind=mirror.kind,
            project_dir=self._build.project_dir,
            job=self._build.job,
            sends_alerts=self._build.sends_alerts,
            # For the case that it is cleared and runs on a worker. The build task has the outlets.
            pool=self._build.pool,
            doc_md=_documentation(nodes[0]) if len(nodes) == 1 else _list(nodes),
            **self._place(mirror, nodes),
        )

    def outcome(self, mirrors: dict[str, str]) -> OutcomeOperator:
        """Return the last task; `mirrors` maps node id to task id."""
        return OutcomeOperator(
            task_id=OUTCOME,
            task_group=self._outer,
            build_task_id=self._build.task_id,
            mirrors=mirrors,
            doc_md="Green only if every node passed; decides the state of the run.",
            **self._shared,
        )

    def _place(self, mirror: Mirror, nodes: Sequence[Node]) -> dict[str, Any]:
        """Return the arguments that set the task's id and group."""
        group = self._folders.group_of(nodes[0]) if len(nodes) == 1 else self._outer
        place = {"task_id": mirror.task_id, "task_group": group, **self._shared}
        if group is self._outer or self._outer.is_root:
            return place
        # A folder's group does not prefix the ids of its tasks with that of the outer group.
        full = f"{self._outer.group_id}.{mirror.task_id}"
        return {**place, "task_id": full, "task_display_name": mirror.task_id}


def _documentation(node: Node) -> str:
    facts = {
        "dbt id": node.unique_id,
        "relation": relation(node) if node.is_relation else "",
        "materialization": node.materialization if node.is_relation else "",
        "file": node.path,
    }
    lines = [f"* **{name}**: `{value}`" for name, value in facts.items() if value]
    return "\n".join([node.description, "", *lines]).strip()


def _list(nodes: Sequence[Node]) -> str:
    shown = [f"* `{node.unique_id}`" for node in nodes[:MAX_LISTED]]
    more = [f"* ... and {len(nodes) - MAX_LISTED} more"] if len(nodes) > MAX_LISTED else []
    return "\n".join([f"{len(nodes)} nodes of one `dbt build`:", "", *shown, *more])
