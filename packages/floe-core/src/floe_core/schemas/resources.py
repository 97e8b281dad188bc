"""The resources of a pod."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ResourceSpec:
    """Kubernetes quantities of one pod, such as `500m` of CPU and `1Gi` of memory."""

    cpu_request: str
    cpu_limit: str
    memory_request: str
    memory_limit: str
