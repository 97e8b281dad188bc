"""The tasks that show dbt's graph in a DAG, one a node or a group, between build and outcome."""

from __future__ import annotations

from collections.abc import Sequence

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_orchestrator_airflow.build_operator import FloeBuildOperator
from floe_orchestrator_airflow.mirror_operators import MirrorOperator, OutcomeOperator
from floe_orchestrator_airflow.mirrors import Mirror
from floe_orchestrator_airflow.node_assets import relation
from floe_orchestrator_airflow.task_ids import OUTCOME

MAX_LISTED = 200


def add_mirrors(
    artifacts: CompiledArtifacts, mirrors: Sequence[Mirror], build: FloeBuildOperator
) -> None:
    """Add the tasks that show nodes to the DAG of their build task.

    The build comes first, so that clearing it with what follows clears the whole run. The outcome
    comes last and alone: without it a run would be green as soon as its leaves are, and those below
    a failure are only skipped.

    The tasks are made first and added then. Made within the DAG each would take a copy of its
    parameters, and every trigger comes with all the tasks.
    """
    tasks = {mirror.task_id: _task(artifacts, mirror, build) for mirror in mirrors}
    outcome = OutcomeOperator(
        task_id=OUTCOME,
        owner=build.owner,
        mirrors={i: mirror.task_id for mirror in mirrors for i in mirror.node_ids},
        doc_md="Green only if every node passed; decides the state of the run.",
    )
    build.dag.add_tasks([*tasks.values(), outcome])
    for mirror in mirrors:
        tasks[mirror.task_id].set_upstream([tasks[i] for i in mirror.upstream] or [build])
    for task in tasks.values():
        if not task.downstream_task_ids:
            task.set_downstream(outcome)


def _task(artifacts: CompiledArtifacts, mirror: Mirror, build: FloeBuildOperator) -> MirrorOperator:
    nodes = [artifacts.by_id[node_id] for node_id in mirror.node_ids]
    return MirrorOperator(
        task_id=mirror.task_id,
        owner=build.owner,
        node_ids=list(mirror.node_ids),
        kind=mirror.kind,
        project_dir=build.project_dir,
        job=build.job,
        # For when it is cleared and runs on a worker. The build task has the outlets.
        pool=build.pool,
        doc_md=_documentation(nodes[0]) if len(nodes) == 1 else _list(nodes),
    )


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
