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
    from floe_core.execution.journal import latest_results, read_events
    from floe_core.execution.parent_death import end_with_parent
    from floe_core.execution.record import left_to_do, results_of
    from floe_core.execution.resume import failures_in, remaining

__all__ = [
    "BuildEnded",
    "BuildEvent",
    "BuildRequest",
    "NodeLog",
    "NodeResult",
    "NodeStarted",
    "NodeStatus",
    "build",
    "end_with_parent",
    "failures_in",
    "latest_results",
    "left_to_do",
    "read_events",
    "remaining",
    "results_of",
]

_HOMES = {
    "build": "floe_core.execution.build_run",
    "end_with_parent": "floe_core.execution.parent_death",
    "failures_in": "floe_core.execution.resume",
    "latest_results": "floe_core.execution.journal",
    "left_to_do": "floe_core.execution.record",
    "read_events": "floe_core.execution.journal",
    "remaining": "floe_core.execution.resume",
    "results_of": "floe_core.execution.record",
}


def __getattr__(name: str) -> Any:
    """Import a function when it is asked for: what an orchestrator parses needs only names."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
