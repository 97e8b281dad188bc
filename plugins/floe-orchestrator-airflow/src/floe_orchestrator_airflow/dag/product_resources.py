"""Give the task pods of a product their own resources.

Airflow calls `pod_mutation_hook` of `airflow_local_settings` for each pod that KubernetesExecutor
is about to start. The chart mounts such a module, which uses ours, and sets the variable below.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubernetes.client import V1Pod

# Product -> resources as in a pod, as JSON.
VARIABLE = "FLOE_PRODUCT_RESOURCES"


def pod_mutation_hook(pod: V1Pod) -> None:
    """Replace the resources of the task's container with those of its product, if it has any."""
    from kubernetes.client import V1ResourceRequirements

    # The ids of DAGs are <product> and <product>.<job>.
    product = (pod.metadata.annotations or {}).get("dag_id", "").partition(".")[0]
    resources = json.loads(os.environ.get(VARIABLE, "{}")).get(product)
    if resources is None:
        return
    for container in pod.spec.containers:
        if container.name == "base":
            container.resources = V1ResourceRequirements(**resources)
