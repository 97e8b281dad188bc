"""The resources of Dagster's own components on a cluster, by size.

Measured idle: webserver 135 MB, daemon 103 to 177, code server 104. The limit of memory is the
request; CPU has no limit, since a component that is throttled fails its probes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ComponentSize:
    """What a component is promised, as Kubernetes quantities."""

    cpu: str
    memory: str

    def resources(self) -> dict[str, dict[str, str]]:
        """Return it as the chart takes it; an empty limit is none."""
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
