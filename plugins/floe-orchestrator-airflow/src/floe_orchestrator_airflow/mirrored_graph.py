"""The tasks that show dbt's graph in a DAG, one a node, between build and outcome."""

from __future__ import annotations

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_core.schemas.policies import Job
from floe_orchestrator_airflow.build_operator import FloeBuildOperator
from floe_orchestrator_airflow.node_assets import node_asset, relation
from floe_orchestrator_airflow.node_mirror import NodeMirrorOperator, OutcomeOperator
from floe_orchestrator_airflow.task_ids import OUTCOME, task_ids


def add_mirrors(artifacts: CompiledArtifacts, job: Job, build: FloeBuildOperator) -> None:
    """Add the tasks of a job's nodes to the DAG of its build task.

    The build comes first, so that clearing it with what follows clears the whole run. The outcome
    comes last and alone: without it a run would be green as soon as its leaves are, and those below
    a failure are only skipped.
    """
    nodes = artifacts.nodes_of(job)
    names = task_ids(nodes)
    mirrors = {n.unique_id: _mirror(artifacts, n, names, build) for n in nodes}
    outcome = OutcomeOperator(
        task_id=OUTCOME,
        dag=build.dag,
        build_task_id=build.task_id,
        mirrors=names,
        doc_md="Green only if every node passed; decides the state of the run.",
    )
    for node in nodes:
        mirror = mirrors[node.unique_id]
        parents = [mirrors[i] for i in node.depends_on if i in mirrors]
        mirror.set_upstream(parents or [build])
    for mirror in mirrors.values():
        if not mirror.downstream_task_ids:
            mirror.set_downstream(outcome)


def _mirror(
    artifacts: CompiledArtifacts, node: Node, names: dict[str, str], build: FloeBuildOperator
) -> NodeMirrorOperator:
    return NodeMirrorOperator(
        task_id=names[node.unique_id],
        dag=build.dag,
        unique_id=node.unique_id,
        kind=node.resource_type.replace("_", " "),
        build_task_id=build.task_id,
        upstream=[names[i] for i in node.depends_on if i in names],
        project_dir=build.project_dir,
        job=build.job,
        outlets=[node_asset(artifacts, node)] if node.is_relation else [],
        doc_md=_documentation(node),
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
