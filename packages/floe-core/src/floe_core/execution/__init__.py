"""Run dbt for a part of a product and tell what happens, the same under every orchestrator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from floe_core.build_events import (
    BuildEnded,
    BuildEvent,
    NodeLog,
    NodeResult,
    NodeStarted,
    NodeStatus,
)
from floe_core.build_request import BuildRequest

if TYPE_CHECKING:
    from floe_core.execution.build_run import build

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


def __getattr__(name: str) -> Any:
    """Import `build` when it is asked for: what an orchestrator parses needs no more than names."""
    if name != "build":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from floe_core.execution.build_run import build

    return build
