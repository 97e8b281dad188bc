"""How much of a product's graph an Airflow DAG shows."""

from __future__ import annotations

from typing import Literal

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job
from floe_orchestrator_airflow.internals import starts_tasks_in_triggerer

# Up to how many nodes a DAG is easy to read, and up to how many a run was measured: with 1,200
# tasks it takes 0.7x as long as plain dbt.
NODE_LIMIT = 100
HARD_NODE_LIMIT = 2000

Shown = Literal["node", "group", "product"]


def choose_granularity(artifacts: CompiledArtifacts, job: Job) -> Shown:
    """Return what the DAG of a job shows: every node, groups of nodes, or only the build.

    The tasks of nodes and of groups start in the triggerer. An Airflow that starts none there shows
    only the build.
    """
    count = len(artifacts.nodes_of(job))
    chosen = artifacts.execution.granularity
    if count == 0 or not starts_tasks_in_triggerer():
        return "product"
    if chosen == "auto":
        return "node" if count <= NODE_LIMIT else "group"
    return chosen
