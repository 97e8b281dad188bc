"""The resources of Dagster's own components on a cluster, by size.

Memory measured when idle: webserver 135 MB, daemon 103 to 177 MB, code server 104 MB. The memory
limit equals the request; CPU has no limit, since a throttled component fails its probes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ComponentSize:
    """The resources that a component requests, as Kubernetes quantities."""

    cpu: str
    memory: str

    def resources(self) -> dict[str, dict[str, str]]:
        """Return the resources in the chart's form; an empty limit is left out."""
        return {
            "requests": {"cpu": self.cpu, "memory": self.memory},
            "limits": {"cpu": "", "memory": self.memory},
        }


WEBSERVER_AND_DAEMON = {
    "small": ComponentSize("250m", "512Mi"),
    "medium": ComponentSize("500m", "1Gi"),
    "large": ComponentSize("1", "2Gi"),
}
CODE_SERVER = {
    "small": ComponentSize("250m", "512Mi"),
    "medium": ComponentSize("250m", "1Gi"),
    "large": ComponentSize("500m", "2Gi"),
}
