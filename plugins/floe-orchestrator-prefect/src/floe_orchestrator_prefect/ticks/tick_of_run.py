"""The tick that a flow run is for."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect.client.schemas.objects import FlowRun

from floe_orchestrator_prefect.ticks.tick_order import KEY_OF_TICK


def tick_of(run: FlowRun) -> datetime | None:
    """Return the tick that a flow run is for; None if it was started by hand or by updates."""
    key = run.idempotency_key or ""
    if key.startswith(KEY_OF_TICK):
        return datetime.fromisoformat(key.removeprefix(KEY_OF_TICK))
    planned = run.expected_start_time if run.auto_scheduled else None
    return planned.astimezone(UTC) if planned else None
