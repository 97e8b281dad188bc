"""Load a compiled product into Prefect, from `flow.py` or a team's own code."""

from __future__ import annotations

from pathlib import Path

from prefect.runtime import flow_run

from floe_core.schedules.live_schedules import with_live_schedules
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_prefect.alerts.dead_runs import hold_run
from floe_orchestrator_prefect.flow.job_flow import JobFlow, job_flow
from floe_orchestrator_prefect.flow.lost_reader import outlive_reader
from floe_orchestrator_prefect.flow.product_flows import (
    ProductFlows,
    product_flows,
    serve_products,
    watch_products,
)
from floe_orchestrator_prefect.task.node_tasks import node_tasks
from floe_orchestrator_prefect.ticks.due_tick import tick_of_team

__all__ = ["floe_flow", "load_product_flows", "serve_products", "watch_products"]


def load_product_flows(product_name: str, project_dir: Path | str) -> ProductFlows:
    """Return the flows of the product compiled in a folder, read only from its artifacts.

    Schedules set at run time override those of floe.yaml.

    Raises:
        InvalidProductError: The folder is not compiled, is stale, or holds another product.
    """
    outlive_reader()
    artifacts = CompiledArtifacts.load_product(product_name, project_dir)
    hold_run(artifacts)
    # A flow run asks for its schedule when it begins, and waits while the store of them is away.
    live = artifacts if flow_run.get_id() else with_live_schedules(artifacts)
    return product_flows(live, artifacts)


def floe_flow(project_dir: Path | str, *, job: str | None = None) -> JobFlow:
    """Return the flow of a compiled product, to be called in a team's own flow.

    Called there it is a subflow with a task run for each node. It returns a dict of node id to
    status, and raises if any node failed. When the calling flow is retried, nodes that have passed
    are not built again. Schedules are left to the team: the scheduled time of the calling flow is
    the nominal time of the nodes.

    The flow takes `node_ids`, `nominal_time`, `range_start` with `range_end`, and the parameters of
    a run: `select`, `exclude`, `resource_types`, `full_refresh`, `empty` and `vars`.

    Args:
        project_dir: The compiled folder of the product.
        job: The job of floe.yaml to run; by default the first one, which is the product's own.

    Raises:
        InvalidProductError: The folder is not compiled or is stale.
        UsageError: The product has no such job.
    """
    artifacts = CompiledArtifacts.load(project_dir)
    chosen = artifacts.job(job) if job else artifacts.jobs[0]
    return job_flow(artifacts, chosen, node_tasks(artifacts, chosen), tick_of_team)
