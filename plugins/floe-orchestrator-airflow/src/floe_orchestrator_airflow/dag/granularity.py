"""How much of a product's graph an Airflow DAG shows."""

from __future__ import annotations

from typing import Literal

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job

# Each mirror costs the triggerer a copy of the whole DAG, so the cost of a run is quadratic in its
# nodes: a run takes 1.4x as long as dbt with 120 tasks, 2.4x with 480, and 6x with 1,200.
NODE_LIMIT = 100
HARD_NODE_LIMIT = 400

Shown = Literal["node", "group", "product"]


def shown(artifacts: CompiledArtifacts, job: Job) -> Shown:
    """Return what the DAG of a job shows: every node, groups of nodes, or only the build."""
    count = len(artifacts.nodes_of(job))
    chosen = artifacts.execution.granularity
    if count == 0:
        return "product"
    if chosen == "auto":
        return "node" if count <= NODE_LIMIT else "group"
    return chosen
