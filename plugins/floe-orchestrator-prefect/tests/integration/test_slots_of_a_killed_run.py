"""Slots that a killed `floe run` has left in its own Prefect are there for the next run."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from prefect.server.concurrency.lease_storage.filesystem import ConcurrencyLeaseStorage

from floe_orchestrator_prefect.local.local_home import local_environment, local_home

CLAIMS = """\
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from floe_orchestrator_prefect.task.node_slots import PrefectNodeSlots

with get_client(sync_client=True) as client:
    client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name="heavy", limit=1))
    print(PrefectNodeSlots(client).try_claim("heavy", "model.shop.a"))
"""
NEXT = """\
from prefect.client.orchestration import get_client
from floe_orchestrator_prefect.local.expired_leases import taking_back_slots

def taken():
    return client.read_global_concurrency_limit_by_name("heavy").active_slots

with get_client(sync_client=True) as client:
    before = taken()
    with taking_back_slots():
        print(before, taken())
"""


def said(script: str, home: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=local_environment(home),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()[-1]


def test_they_are_taken_back_once_their_leases_have_run_out(tmp_path: Path) -> None:
    home = local_home(tmp_path)
    assert said(CLAIMS, home) == "claimed"
    assert said(NEXT, home) == "1 1"
    storage = ConcurrencyLeaseStorage(home / "concurrency_leases")
    [file] = [f for f in storage.storage_path.glob("*.json") if f.stem != "expirations"]
    lease = asyncio.run(storage.read_lease(UUID(file.stem)))
    assert lease is not None
    asyncio.run(storage.renew_lease(lease.id, timedelta(seconds=-1)))
    assert said(NEXT, home) == "1 0"
