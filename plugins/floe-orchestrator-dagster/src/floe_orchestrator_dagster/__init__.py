"""Runs floe products on Dagster. Importing this package does not import Dagster."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from floe_orchestrator_dagster.loader import floe_assets, load_product_definitions
    from floe_orchestrator_dagster.plugin import DagsterOrchestratorPlugin, DagsterPlugin

__version__ = version("floe-orchestrator-dagster")
__all__ = [
    "DagsterOrchestratorPlugin",
    "DagsterPlugin",
    "floe_assets",
    "load_product_definitions",
]

_MODULES = {
    "DagsterOrchestratorPlugin": "plugin",
    "DagsterPlugin": "plugin",
    "floe_assets": "loader",
    "load_product_definitions": "loader",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
