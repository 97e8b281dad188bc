"""What started a flow run: its tick, or updates of ports, which its idempotency key names.

A run that a user copies in Prefect's UI has no such key, so it counts as started by hand.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext

from floe_core.ports.decision import updates_in
from floe_orchestrator_prefect.ticks.tick_order import KEY_OF_TICK

Updates = tuple[tuple[str, int], ...]

_PREFIX = "floe-updates"
# PostgreSQL can index a text of at most 2,704 bytes, and the key is in an index.
LONGEST_KEY = 2000


def run_key(job_name: str, decision_key: str) -> str:
    """Return the idempotency key of the run of a job for some updates.

    >>> run_key("marts", "crm/customers@1#5")
    'floe-updates:marts:crm/customers@1#5'
    """
    key = f"{_PREFIX}:{job_name}:{decision_key}"
    if len(key.encode()) <= LONGEST_KEY:
        return key
    return f"{_PREFIX}-hash:{job_name}:{hashlib.sha256(decision_key.encode()).hexdigest()}"


def updates_of_key(job_name: str, key: str | None) -> Updates:
    """Return the port and number of each update that the key names; () for any other key.

    >>> updates_of_key("marts", "floe-updates:marts:crm/customers@1#5")
    (('crm/customers@1', 5),)
    """
    head = f"{_PREFIX}:{job_name}:"
    if key is None or not key.startswith(head):
        return ()
    return tuple(sorted(updates_in(key.removeprefix(head)).items()))


def updates_of_run(job_name: str) -> Updates:
    """Return the updates that started the current flow run."""
    run = current_run()
    return updates_of_key(job_name, run.idempotency_key if run else None)


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
