"""The resources and replicas of Airflow's own components on a cluster, by size.

Memory measured when idle, in MB: api-server 277, scheduler 318 to 424, dag-processor 177 (325 while
it parses), triggerer 256 (376 with a run of 100 nodes). The memory limit equals the request; CPU
has no limit, since a throttled component fails its probes. A worker's tasks share its resources.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ComponentSize:
    """The resources that one pod of a component requests, and the number of pods."""

    cpu: str
    memory: str
    replicas: int = 1

    def resources(self) -> dict[str, dict[str, str]]:
        """Return the resources in the chart's form; an empty limit is left out."""
        return {
            "requests": {"cpu": self.cpu, "memory": self.memory},
            "limits": {"cpu": "", "memory": self.memory},
        }


@dataclass(frozen=True)
class Components:
    """All components of one size. Only CeleryExecutor uses `workers`."""

    api_server: ComponentSize
    api_processes: int
    scheduler: ComponentSize
    dag_processor: ComponentSize
    triggerer: ComponentSize
    workers: ComponentSize
    concurrency: int


COMPONENT_SIZES = {
    "small": Components(
        api_server=ComponentSize("500m", "1Gi"),
        api_processes=1,
        scheduler=ComponentSize("500m", "1Gi"),
        dag_processor=ComponentSize("500m", "768Mi"),
        triggerer=ComponentSize("250m", "768Mi"),
        workers=ComponentSize("1", "2Gi", replicas=2),
        concurrency=5,
    ),
    "medium": Components(
        api_server=ComponentSize("1", "2Gi"),
        api_processes=2,
        scheduler=ComponentSize("1", "2Gi"),
        dag_processor=ComponentSize("1", "2Gi"),
        triggerer=ComponentSize("500m", "1Gi"),
        workers=ComponentSize("2", "4Gi", replicas=2),
        concurrency=10,
    ),
    "large": Components(
        api_server=ComponentSize("2", "4Gi", replicas=2),
        api_processes=4,
        scheduler=ComponentSize("2", "4Gi", replicas=2),
        dag_processor=ComponentSize("2", "4Gi"),
        triggerer=ComponentSize("1", "2Gi"),
        workers=ComponentSize("4", "8Gi", replicas=2),
        concurrency=20,
    ),
}
