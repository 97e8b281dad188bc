"""Plan a run without running it."""

from __future__ import annotations

from floe_core.execution.build_run import LOCK_TIMEOUT_SECONDS, run_dbt
from floe_core.execution.node_selection import wanted_nodes
from floe_core.execution.reuse.planned_build import PlannedBuild, plan_build
from floe_core.execution.warehouse_lock import sole_writer
from floe_core.reuse.state_store import store_of
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.warehouse.outside_values import set_outside_values


def plan_run(artifacts: CompiledArtifacts, request: BuildRequest) -> PlannedBuild:
    """Return what a run would build and reuse, using the function that the run itself plans with.

    dbt compiles the nodes and the warehouse is read; nothing is built or stored.

    Raises:
        UsageError: The artifacts come from no folder, or the job or a node is unknown.
        EnvironmentProblemError: dbt, the warehouse or the store is not available.
    """
    artifacts = artifacts.for_job(request.job)
    set_outside_values(artifacts.dbt)
    wanted = wanted_nodes(artifacts, request)
    store = store_of(artifacts)
    with sole_writer(artifacts.dbt.profile, artifacts.folder, LOCK_TIMEOUT_SECONDS):
        return plan_build(artifacts, request, wanted, store, run_dbt)
