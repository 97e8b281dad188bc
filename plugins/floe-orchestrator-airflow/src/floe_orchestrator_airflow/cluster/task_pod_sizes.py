"""Resources of the pod that runs a task: one dbt build."""

from floe_core.plugin_interfaces import ResourceSpec

# The memory limit equals the request, so that a pod is never evicted for using what it requested.
# The CPU limit is twice the request: dbt waits for the warehouse most of the time and parses in
# bursts.
TASK_POD_SIZES = {
    "small": ResourceSpec("250m", "500m", "512Mi", "512Mi"),
    "medium": ResourceSpec("1", "2", "2Gi", "2Gi"),
    "large": ResourceSpec("2", "4", "4Gi", "4Gi"),
}
