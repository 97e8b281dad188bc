"""Run dbt for a part of a product and tell what happens, the same under every orchestrator."""

from floe_core.build_events import (
    BuildEnded,
    BuildEvent,
    NodeLog,
    NodeResult,
    NodeStarted,
    NodeStatus,
)
from floe_core.build_request import BuildRequest
from floe_core.execution.build import build

__all__ = [
    "BuildEnded",
    "BuildEvent",
    "BuildRequest",
    "NodeLog",
    "NodeResult",
    "NodeStarted",
    "NodeStatus",
    "build",
]
