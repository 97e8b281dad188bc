"""Run floe products on Airflow 3. Airflow itself is imported only by what hands objects to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from floe_orchestrator_airflow.plugin import AirflowOrchestratorPlugin, AirflowPlugin

__all__ = ["AirflowOrchestratorPlugin", "AirflowPlugin"]
__version__ = "0.1.0"


def __getattr__(name: str) -> type[AirflowOrchestratorPlugin]:
    if name in __all__:
        from floe_orchestrator_airflow.plugin import AirflowOrchestratorPlugin

        return AirflowOrchestratorPlugin
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
