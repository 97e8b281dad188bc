"""The resources of the pod or container that runs a product's flow, by workload size.

The memory limit equals the request, so that a run never depends on memory that the cluster node
may reclaim. The CPU limit is twice the request: dbt waits for the warehouse most of the time and
parses in bursts.
"""

from __future__ import annotations

from floe_core.plugin_interfaces import ResourceSpec

RUN_POD = {
    "small": ResourceSpec("500m", "1", "1Gi", "1Gi"),
    "medium": ResourceSpec("1", "2", "4Gi", "4Gi"),
    "large": ResourceSpec("4", "8", "8Gi", "8Gi"),
}
