"""Release slots of concurrency limits that a killed run has left taken in this Prefect."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from httpx import HTTPError
from prefect.client.orchestration import SyncPrefectClient, get_client

from floe_orchestrator_prefect.internals import expired_leases

LOOK_SECONDS = 15.0


@contextmanager
def taking_back_slots() -> Iterator[None]:
    """Release them now, and inside the block whenever more leases expire.

    Other Prefect servers do so themselves, but not one that Prefect starts for a single process.
    """
    home = Path(os.environ["PREFECT_HOME"])
    is_over = threading.Event()
    with get_client(sync_client=True) as client:
        take_back(client, home)

        def look() -> None:
            while not is_over.wait(LOOK_SECONDS):
                take_back(client, home)

        thread = threading.Thread(target=look, name="floe-expired-leases", daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()


def take_back(client: SyncPrefectClient, home: Path) -> None:
    """Release the slots whose leases have expired."""
    for lease in expired_leases(home):
        try:
            client.release_concurrency_slots_with_lease(lease)
        except HTTPError:
            # Another run has released it, or the server is ending: the next check gets the rest.
            return
