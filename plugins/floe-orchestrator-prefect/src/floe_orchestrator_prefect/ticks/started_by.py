"""The updates of ports that a flow run was started for, which its idempotency key names.

A run that somebody copies in Prefect's pages has no such key: it is one by hand.
"""

from __future__ import annotations

import hashlib

from prefect.context import FlowRunContext

from floe_core.ports.decision import updates_in

Updates = tuple[tuple[str, int], ...]

_PREFIX = "floe-updates"
# PostgreSQL indexes no more than 2,704 bytes of a text, and the key is in an index.
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
    """Return port and number of each update that such a key names; () for any other key.

    >>> updates_of_key("marts", "floe-updates:marts:crm/customers@1#5")
    (('crm/customers@1', 5),)
    """
    head = f"{_PREFIX}:{job_name}:"
    if key is None or not key.startswith(head):
        return ()
    return tuple(sorted(updates_in(key.removeprefix(head)).items()))


def updates_of_run(job_name: str) -> Updates:
    """Return the updates that the flow run under way was started for."""
    context = FlowRunContext.get()
    run = context.flow_run if context else None
    return updates_of_key(job_name, run.idempotency_key if run else None)
