"""The current flow run, and the tick that a run is for."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext

from floe_orchestrator_prefect.ticks.tick_order import KEY_OF_TICK


def current_run() -> FlowRun | None:
    """Return the flow run that this is in, None outside of one."""
    context = FlowRunContext.get()
    return context.flow_run if context else None


def tick_of(run: FlowRun) -> datetime | None:
    """Return the tick that a flow run is for; None if it was started by hand or by updates."""
    key = run.idempotency_key or ""
    if key.startswith(KEY_OF_TICK):
        return datetime.fromisoformat(key.removeprefix(KEY_OF_TICK))
    planned = run.expected_start_time if run.auto_scheduled else None
    return planned.astimezone(UTC) if planned else None
