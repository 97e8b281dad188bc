"""The Prefect state of a node that ended."""

from __future__ import annotations

from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Completed, Failed

from floe_core.build_events import NodeResult

# The second is Prefect's own name for a run that was not needed, as its result is still valid.
WARNED, CACHED, SKIPPED = "Warned", "Cached", "Skipped"


def state_of(result: NodeResult) -> State[None]:
    """Return a completed, failed or, for a node that dbt did not reach, cancelled state.

    A disabled node is completed, as in a run without it.
    """
    message = result.message or result.status
    if result.is_disabled:
        return Completed(name=SKIPPED, message=message)
    if result.status == "skipped":
        return Cancelled(name=SKIPPED, message=message)
    if result.status == "warn":
        return Completed(name=WARNED, message=message)
    if result.status == "reused":
        return Completed(name=CACHED, message=message)
    return Completed(message=message) if result.passed else Failed(message=message)
