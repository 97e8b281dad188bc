"""Runs floe products on Prefect 3. Importing this package does not import Prefect."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from floe_orchestration.namesakes import refuse_namesakes

# Before anything of core, which another project may have overwritten.
refuse_namesakes()

from floe_core.foundation.lazy_names import importer  # noqa: E402

if TYPE_CHECKING:
    from floe_orchestrator_prefect.loader import floe_flow, load_product_flows
    from floe_orchestrator_prefect.plugin import PrefectOrchestratorPlugin, PrefectPlugin

__version__ = version("floe-orchestration-prefect")
__all__ = [
    "PrefectOrchestratorPlugin",
    "PrefectPlugin",
    "floe_flow",
    "load_product_flows",
    "serve_products",
    "watch_products",
]

_MODULES = {
    "PrefectOrchestratorPlugin": ".plugin",
    "PrefectPlugin": ".plugin",
    "floe_flow": ".loader",
    "load_product_flows": ".loader",
    "serve_products": ".loader",
    "watch_products": ".loader",
}


__getattr__ = importer(__name__, _MODULES)
