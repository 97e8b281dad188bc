"""Runs floe products on Prefect 3. Importing this package does not import Prefect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from floe_orchestrator_prefect.plugin import PrefectOrchestratorPlugin, PrefectPlugin

__version__ = "0.1.0"
__all__ = ["PrefectOrchestratorPlugin", "PrefectPlugin"]


def __getattr__(name: str) -> Any:
    """Import the plugin when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from floe_orchestrator_prefect.plugin import PrefectOrchestratorPlugin

    return PrefectOrchestratorPlugin
