"""All flows and deployments of one product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from prefect import serve
from prefect.deployments.runner import RunnerDeployment

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job
from floe_orchestrator_prefect.alerts.deadline_watch import watch_deadlines
from floe_orchestrator_prefect.flow.entry_point import FILENAME
from floe_orchestrator_prefect.flow.job_flow import JobFlow, description_of, job_flow
from floe_orchestrator_prefect.flow.node_tasks import NodeTask, node_tasks
from floe_orchestrator_prefect.flow.prefect_names import DEPLOYMENT, attribute_name
from floe_orchestrator_prefect.ticks.prefect_schedules import deployment_schedules
from floe_orchestrator_prefect.ticks.update_watch import watch_updates


@dataclass(frozen=True, eq=False)
class ProductFlows:
    """The flows of a product by floe's job name, and the tasks of each by node id."""

    artifacts: CompiledArtifacts
    flows: dict[str, JobFlow]
    tasks: dict[str, dict[str, NodeTask]]

    def by_attribute(self) -> dict[str, JobFlow]:
        """Return the flows under valid Python names, for the file that Prefect loads."""
        return {attribute_name(name): flow for name, flow in self.flows.items()}

    def deployments(self) -> list[RunnerDeployment]:
        """Return a deployment named `floe` for each flow, with the job's schedule.

        Prefect's own `serve` starts no jobs for updates of ports and watches no deadlines;
        `serve_products` does both.
        """
        return [self._deployment(job) for job in self.artifacts.jobs]

    def serve(self) -> None:
        """Register the deployments with Prefect's server, and run their ticks here until stopped.

        This process also watches for updates of ports that start jobs, and for deadlines.
        The deployments are not paused when this ends: a missed tick runs once the product is served
        again.
        """
        serve_products(self)

    def _deployment(self, job: Job) -> RunnerDeployment:
        deployment = self.flows[job.name].to_deployment(
            DEPLOYMENT,
            schedules=deployment_schedules(job.schedule),
            tags=[self.artifacts.product.name],
            description=description_of(self.artifacts, job),
        )
        assert isinstance(deployment, RunnerDeployment)
        place = self.artifacts.folder / FILENAME
        deployment.entrypoint = f"{place}:{attribute_name(job.name)}"
        return deployment


def serve_products(*products: ProductFlows, deployments: Sequence[RunnerDeployment] = ()) -> None:
    """Serve several products in one process until it is stopped, as `ProductFlows.serve` does one.

    Args:
        products: The products, from `load_product_flows`.
        deployments: A team's own deployments, to be served beside them.
    """
    for product in products:
        watch_updates(product.artifacts)
        watch_deadlines(product.artifacts)
    ours = [deployment for product in products for deployment in product.deployments()]
    serve(*ours, *deployments, pause_on_shutdown=False)


def product_flows(artifacts: CompiledArtifacts) -> ProductFlows:
    """Return the flows of a product, with the schedules as they are in the artifacts."""
    tasks = {job.name: node_tasks(artifacts, job) for job in artifacts.jobs}
    flows = {job.name: job_flow(artifacts, job, tasks[job.name]) for job in artifacts.jobs}
    return ProductFlows(artifacts, flows, tasks)
