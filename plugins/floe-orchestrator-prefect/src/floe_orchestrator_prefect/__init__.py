"""Runs floe products on Prefect 3. Importing this package does not import Prefect."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from floe_orchestrator_prefect.loader import floe_flow, load_product_flows
    from floe_orchestrator_prefect.plugin import PrefectOrchestratorPlugin, PrefectPlugin

__version__ = version("floe-orchestrator-prefect")
__all__ = ["PrefectOrchestratorPlugin", "PrefectPlugin", "floe_flow", "load_product_flows"]

_MODULES = {
    "PrefectOrchestratorPlugin": "plugin",
    "PrefectPlugin": "plugin",
    "floe_flow": "loader",
    "load_product_flows": "loader",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
