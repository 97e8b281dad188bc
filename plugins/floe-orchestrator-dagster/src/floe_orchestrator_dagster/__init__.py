"""Runs floe products on Dagster. Importing this package does not import Dagster."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from floe_orchestration.namesakes import refuse_namesakes

# Before anything of core, which another project may have overwritten.
refuse_namesakes()

from floe_core.foundation.lazy_names import importer  # noqa: E402

if TYPE_CHECKING:
    from floe_orchestrator_dagster.loader import floe_assets, load_product_definitions
    from floe_orchestrator_dagster.plugin import DagsterOrchestratorPlugin, DagsterPlugin

__version__ = version("floe-orchestration-dagster")
__all__ = [
    "DagsterOrchestratorPlugin",
    "DagsterPlugin",
    "floe_assets",
    "load_product_definitions",
]

_MODULES = {
    "DagsterOrchestratorPlugin": ".plugin",
    "DagsterPlugin": ".plugin",
    "floe_assets": ".loader",
    "load_product_definitions": ".loader",
}


__getattr__ = importer(__name__, _MODULES)
