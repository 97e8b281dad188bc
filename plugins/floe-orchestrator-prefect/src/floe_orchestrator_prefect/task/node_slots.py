"""Slots of Prefect's global concurrency limits for the nodes of a build.

Prefect's own `concurrency` cannot be interrupted while it waits, and keeps a thread for each slot.
So the same API calls are made here: a slot is leased, and the lease is renewed while the node runs.
The lease of a killed build expires.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from httpx import HTTPError, HTTPStatusError
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.responses import ConcurrencyLimitWithLeaseResponse

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.runs.build_request import SlotAnswer
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

# Longer than a renewal takes on a busy server.
LEASE_SECONDS = 120.0
RENEW_SECONDS = 20.0
# The longest time until a pool is requested again, whatever the server says.
LONGEST_SECONDS = 15.0
# No slot is free, or the limit is 0, which Prefect treats as an invalid request.
_FULL = (423, 422)

_log = logging.getLogger("floe.pools")


class PrefectNodeSlots:
    """The leases that nodes of a build hold. See `NodeSlots`."""

    def __init__(self, client: SyncPrefectClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._leases: dict[str, UUID] = {}
        self._retry_at: dict[str, float] = {}

    def try_claim(self, pool: str, node_id: str) -> SlotAnswer:
        """See `NodeSlots.try_claim`.

        If a pool is full, the server says when to retry, which applies to all nodes of the build.
        """
        if time.monotonic() < self._retry_at.get(pool, 0.0):
            return "full"
        try:
            response = self._client.increment_concurrency_slots_with_lease(
                [pool], 1, "concurrency", LEASE_SECONDS
            )
        except HTTPStatusError as error:
            if error.response.status_code in _FULL:
                wait = float(error.response.headers.get("Retry-After", LONGEST_SECONDS))
                self._retry_at[pool] = time.monotonic() + min(wait, LONGEST_SECONDS)
                return "full"
            raise _no_answer(pool, error) from error
        except HTTPError as error:
            raise _no_answer(pool, error) from error
        leased = ConcurrencyLimitWithLeaseResponse.model_validate(response.json())
        if not leased.limits:
            self._release(pool, leased.lease_id)
            return "unlimited"
        with self._lock:
            self._leases[node_id] = leased.lease_id
        return "claimed"

    def free(self, pool: str, node_id: str) -> None:
        """See `NodeSlots.free`."""
        self._retry_at.pop(pool, None)
        with self._lock:
            lease = self._leases.pop(node_id, None)
        if lease is not None:
            self._release(pool, lease)

    def how_to_limit(self, pool: str) -> str:
        """See `NodeSlots.how_to_limit`."""
        return f"Prefect has no such limit; make one with `prefect gcl create {pool} --limit 1`"

    def renew(self) -> None:
        """Renew all leases; a lost lease is reported once, and its node goes on."""
        with self._lock:
            leases = list(self._leases.items())
        for node_id, lease in leases:
            try:
                self._client.renew_concurrency_lease(lease, LEASE_SECONDS)
            except HTTPStatusError as error:
                _log.warning("%s has lost its slot: %s", node_id, error)
                with self._lock:
                    self._leases.pop(node_id, None)
            except HTTPError as error:
                _log.warning("%s: its slot could not be renewed: %s", node_id, error)

    def _release(self, pool: str, lease: UUID) -> None:
        try:
            self._client.release_concurrency_slots_with_lease(lease)
        except HTTPError as error:
            raise _no_answer(pool, error) from error


def _no_answer(pool: str, error: HTTPError) -> EnvironmentProblemError:
    return EnvironmentProblemError(f"Prefect does not answer for pool {pool}: {error}")


@contextmanager
def node_slots(artifacts: CompiledArtifacts) -> Iterator[PrefectNodeSlots | None]:
    """Yield a build's slots, renewing leases inside the block; None if no node needs one."""
    if not artifacts.pools_of_nodes:
        yield None
        return
    is_over = threading.Event()
    with get_client(sync_client=True) as client:
        slots = PrefectNodeSlots(client)

        def renew() -> None:
            while not is_over.wait(RENEW_SECONDS):
                slots.renew()

        thread = threading.Thread(target=renew, name="floe-leases", daemon=True)
        thread.start()
        try:
            yield slots
        finally:
            is_over.set()
            thread.join()
