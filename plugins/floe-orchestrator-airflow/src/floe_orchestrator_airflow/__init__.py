"""Runs floe products on Airflow 3. Importing this package does not import Airflow."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from floe_orchestration.namesakes import refuse_namesakes

# Before anything of core, which another project may have overwritten.
refuse_namesakes()

from floe_core.foundation.lazy_names import importer  # noqa: E402

if TYPE_CHECKING:
    from floe_orchestrator_airflow.loader import load_product_dag, load_product_dags
    from floe_orchestrator_airflow.names.product_assets import floe_asset
    from floe_orchestrator_airflow.plugin import AirflowOrchestratorPlugin, AirflowPlugin
    from floe_orchestrator_airflow.product_task_group import floe_task_group

__all__ = [
    "AirflowOrchestratorPlugin",
    "AirflowPlugin",
    "floe_asset",
    "floe_task_group",
    "load_product_dag",
    "load_product_dags",
]
__version__ = version("floe-orchestration-airflow")

_MODULES = {
    "AirflowOrchestratorPlugin": ".plugin",
    "AirflowPlugin": ".plugin",
    "floe_asset": ".names.product_assets",
    "floe_task_group": ".product_task_group",
    "load_product_dag": ".loader",
    "load_product_dags": ".loader",
}


__getattr__ = importer(__name__, _MODULES)
