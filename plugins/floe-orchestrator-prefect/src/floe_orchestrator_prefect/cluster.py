"""The sizes of pods on a cluster, and why there are no Helm values.

floe has no chart for Prefect, and Prefect has its own. The memory limit of a pod equals the
request, so that a run never depends on memory that the cluster node may reclaim. The CPU limit is
twice the request: dbt waits for the warehouse most of the time and parses in bursts.
"""

from __future__ import annotations

from typing import NoReturn

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.helm.settings import HelmSettings
from floe_core.plugin_interfaces import ResourceSpec

RUN_POD = {
    "small": ResourceSpec("500m", "1", "1Gi", "1Gi"),
    "medium": ResourceSpec("1", "2", "4Gi", "4Gi"),
    "large": ResourceSpec("4", "8", "8Gi", "8Gi"),
}


def refuse_helm_values(settings: HelmSettings) -> NoReturn:
    """Raise an error that says what to do instead, once the settings are known to be valid.

    Raises:
        EnvironmentProblemError: Always.
    """
    names = ", ".join(product.name for product in settings.products) or "the product"
    raise EnvironmentProblemError(
        "floe has no Helm chart for Prefect: install Prefect's own prefect-server and "
        f"prefect-worker charts, and serve {names} from an image that has the compiled folder "
        "(`python flow.py`), with the resources of get_resource_requirements"
    )
