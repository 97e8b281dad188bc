"""All flows and deployments of one product."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import serve
from prefect.deployments.runner import RunnerDeployment

from floe_core.foundation.errors import UsageError
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job
from floe_orchestrator_prefect.alerts.dead_runs import end_dead_runs
from floe_orchestrator_prefect.alerts.deadline_watch import watch_deadlines
from floe_orchestrator_prefect.alerts.lost_runs import watch_lost_runs
from floe_orchestrator_prefect.flow.job_flow import JobFlow, description_of, job_flow
from floe_orchestrator_prefect.names.prefect_names import DEPLOYMENT, FILENAME, attribute_name
from floe_orchestrator_prefect.service.server_problems import SERVER_PROBLEMS
from floe_orchestrator_prefect.service.work_pool import deploy_to_pool, keep_pause
from floe_orchestrator_prefect.task.node_tasks import NodeTask, node_tasks
from floe_orchestrator_prefect.ticks.prefect_schedules import deployment_schedules
from floe_orchestrator_prefect.ticks.update_watch import watch_updates


@dataclass(frozen=True, eq=False)
class ProductFlows:
    """The flows of a product by floe's job name, and the tasks of each by node id.

    `artifacts` have the schedules of the store as they were at load, `compiled` have none of it.
    """

    artifacts: CompiledArtifacts
    flows: dict[str, JobFlow]
    tasks: dict[str, dict[str, NodeTask]]
    compiled: CompiledArtifacts

    def by_attribute(self) -> dict[str, JobFlow]:
        """Return the flows under valid Python names, for the file that Prefect loads."""
        return {attribute_name(name): flow for name, flow in self.flows.items()}

    def deployments(self) -> list[RunnerDeployment]:
        """Return a deployment named `floe` for each flow, with the job's schedule.

        Prefect's own `serve` starts no jobs for updates of ports and watches no deadlines;
        `serve_products` does both.
        """
        return self._deployments(self.artifacts.folder)

    def serve(self) -> None:
        """Register the deployments with Prefect's server, and run their ticks here until stopped.

        This process also watches for updates of ports that start jobs, and for deadlines.
        The deployments are not paused when this ends: a missed tick runs once the product is served
        again. One that is paused in Prefect stays paused when it is served again.
        """
        serve_products(self)

    def deploy(
        self,
        work_pool: str,
        *,
        image: str | None = None,
        folder: Path | str | None = None,
        job_variables: Mapping[str, Any] | None = None,
    ) -> list[UUID]:
        """Register the deployments for a work pool whose workers run them, and return their ids.

        Scheduled runs need nothing else. Updates of ports and deadlines are watched by `watch`. A
        deployment that is paused in Prefect stays paused when it is registered again.

        Args:
            work_pool: The name of a work pool of Prefect's server.
            image: The image that has the compiled folder, for a pool that runs containers.
            folder: Where workers find the compiled folder; by default where it is here.
            job_variables: Values for the variables of the pool's job template, such as
                `{"env": {"FLOE_ENV": "prod"}}`.

        Raises:
            UsageError: The server has no such work pool.
            EnvironmentProblemError: The server cannot be reached, or rejects a deployment.
        """
        place = Path(folder) if folder else self.artifacts.folder
        return deploy_to_pool(self._deployments(place), work_pool, image, job_variables or {})

    def watch(self) -> None:
        """Start the jobs that updates of ports trigger, and watch deadlines, until stopped."""
        watch_products(self)

    def _deployments(self, folder: Path) -> list[RunnerDeployment]:
        return [self._deployment(job, folder) for job in self.artifacts.jobs]

    def _deployment(self, job: Job, folder: Path) -> RunnerDeployment:
        deployment = self.flows[job.name].to_deployment(
            DEPLOYMENT,
            schedules=deployment_schedules(job.schedule),
            tags=[*filter(None, (self.artifacts.product.name, self.artifacts.environment))],
            description=description_of(self.artifacts, job),
            # Another run waits on the server, where it needs no process.
            concurrency_limit=1,
        )
        assert isinstance(deployment, RunnerDeployment)
        deployment.entrypoint = f"{folder / FILENAME}:{attribute_name(job.name)}"
        return deployment


def serve_products(
    *products: ProductFlows,
    deployments: Sequence[RunnerDeployment] = (),
    limit: int | None = None,
) -> None:
    """Serve several products in one process until it is stopped, as `ProductFlows.serve` does one.

    Args:
        products: The products, from `load_product_flows`.
        deployments: A team's own deployments, to be served beside them.
        limit: How many runs may be in progress at a time, of all products and deployments together;
            by default as many as Prefect's `PREFECT_RUNNER_PROCESS_LIMIT` says, which is 5.
    """
    _start_watching(products)
    for product in products:
        watch_lost_runs(product.artifacts)
    ours = [keep_pause(each) for product in products for each in product.deployments()]
    try:
        serve(*ours, *deployments, pause_on_shutdown=False, limit=limit)
    finally:
        # Prefect has killed the flow runs in progress, and tells its server nothing of it.
        with suppress(*SERVER_PROBLEMS):
            for product in products:
                end_dead_runs(product.artifacts)


def watch_products(*products: ProductFlows) -> None:
    """Watch several products in one process until it is stopped, as `ProductFlows.watch` does one.

    Raises:
        UsageError: No updates start a job of these products, and they have no deadlines.
    """
    if not _start_watching(products):
        names = ", ".join(product.artifacts.product.name for product in products)
        raise UsageError(f"{names}: no updates of ports start a job, and there are no deadlines")
    threading.Event().wait()


def _start_watching(products: Sequence[ProductFlows]) -> bool:
    """Start what watches the products, and return whether there is anything to watch."""
    threads = [
        start(product.compiled)
        for product in products
        for start in (watch_updates, watch_deadlines)
    ]
    return any(threads)


def product_flows(
    artifacts: CompiledArtifacts, compiled: CompiledArtifacts | None = None
) -> ProductFlows:
    """Return the flows of a product, with the schedules as they are in the artifacts.

    `compiled` are the artifacts without schedules of the store, which may change while the product
    is served: a job that another orchestrator owns may move here.
    """
    tasks = {job.name: node_tasks(artifacts, job) for job in artifacts.jobs}
    flows = {job.name: job_flow(artifacts, job, tasks[job.name]) for job in artifacts.jobs}
    return ProductFlows(artifacts, flows, tasks, compiled or artifacts)
