"""Refuses Helm values: floe has no chart for Prefect, and Prefect has its own."""

from __future__ import annotations

from typing import NoReturn

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.helm.settings import HelmSettings


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
