"""Runs floe products on Dagster. Importing this package does not import Dagster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from floe_orchestrator_dagster.plugin import DagsterOrchestratorPlugin, DagsterPlugin

__version__ = "0.1.0"
__all__ = ["DagsterOrchestratorPlugin", "DagsterPlugin"]


def __getattr__(name: str) -> Any:
    """Import the plugin when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from floe_orchestrator_dagster.plugin import DagsterOrchestratorPlugin

    return DagsterOrchestratorPlugin
