"""The updates of ports that started a flow run, which its idempotency key names.

A run that a user copies in Prefect's UI has no such key, so it counts as started by hand.
"""

from __future__ import annotations

import hashlib

from floe_core.ports.decision import updates_in
from floe_orchestrator_prefect.ticks.tick_of_run import current_run

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
