"""Slots of limits on a real server of Prefect's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import (
    GlobalConcurrencyLimitCreate,
    GlobalConcurrencyLimitUpdate,
)
from prefect.settings import PREFECT_API_URL, temporary_settings
from typer.testing import CliRunner

from floe_core.cli.main import app
from floe_core.compiler import compile_product
from floe_core.foundation.errors import EnvironmentProblemError
from floe_orchestrator_prefect.task.node_slots import PrefectNodeSlots

ONE, OTHER = "model.shop.one", "model.shop.other"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SyncPrefectClient]:
    # It imports Prefect's server, which no other process needs to collect the tests.
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120), get_client(sync_client=True) as client:
        yield client


def taken(client: SyncPrefectClient, pool: str) -> int:
    return client.read_global_concurrency_limit_by_name(pool).active_slots


def limit(client: SyncPrefectClient, pool: str, slots: int) -> None:
    client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=pool, limit=slots))


def test_a_slot_is_claimed_renewed_and_given_back(client: SyncPrefectClient) -> None:
    limit(client, "narrow", 1)
    slots = PrefectNodeSlots(client)
    assert slots.try_claim("narrow", ONE) == "claimed"
    assert (slots.try_claim("narrow", OTHER), taken(client, "narrow")) == ("full", 1)
    slots.renew()
    slots.free("narrow", OTHER)
    assert taken(client, "narrow") == 1
    slots.free("narrow", ONE)
    slots.free("narrow", ONE)
    assert (taken(client, "narrow"), slots.try_claim("narrow", OTHER)) == (0, "claimed")


def test_a_limit_of_no_slots_holds_all_back(client: SyncPrefectClient) -> None:
    limit(client, "closed", 1)
    client.upsert_global_concurrency_limit_by_name("closed", 0)
    assert PrefectNodeSlots(client).try_claim("closed", ONE) == "full"


def test_a_limit_that_is_not_there_holds_nothing_back_and_is_told(
    client: SyncPrefectClient,
) -> None:
    slots = PrefectNodeSlots(client)
    assert slots.try_claim("absent", ONE) == "unlimited"
    assert "prefect gcl create absent" in slots.how_to_limit("absent")


def test_a_lease_that_is_gone_is_told_once(
    client: SyncPrefectClient, caplog: pytest.LogCaptureFixture
) -> None:
    limit(client, "lost", 1)
    slots = PrefectNodeSlots(client)
    assert slots.try_claim("lost", ONE) == "claimed"
    [lease] = slots._leases.values()
    client.release_concurrency_slots_with_lease(lease)
    slots.renew()
    slots.renew()
    assert ["has lost its slot" in text for text in caplog.messages] == [True]


def test_a_server_that_is_away_is_an_error_with_its_pool() -> None:
    with (
        temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}),
        get_client(sync_client=True) as away,
        pytest.raises(EnvironmentProblemError, match="does not answer for pool narrow"),
    ):
        PrefectNodeSlots(cast("SyncPrefectClient", away)).try_claim("narrow", ONE)


PLATFORM = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: prefect, config: {url: URL}}
  compute: {type: duckdb, config: {path: shop.duckdb}}
"""


def pools_told_by_doctor(folder: Path) -> dict[str, str]:
    """Return the fix of each finding of pools -> how bad it is."""
    done = CliRunner().invoke(app, ["doctor", str(folder), "--json"])
    found = json.loads(done.stdout)["findings"]
    return {each["fix"]: each["severity"] for each in found if each["subject"] == "pools"}


def test_the_doctor_tells_of_pools_without_a_limit(
    client: SyncPrefectClient, tmp_path: Path
) -> None:
    files = {
        "manifest.yaml": PLATFORM.replace("URL", PREFECT_API_URL.value()),
        "floe.yaml": "apiVersion: floe.dev/v1\nkind: FloeSpec\nplatform: {manifest: manifest.yaml}\n"
        "metadata: {name: shop, version: 1.0.0, owner: data@example.com}\n"
        "execution: {pool: builds}\n",
        "dbt_project.yml": "name: shop\nversion: 1.0.0\nprofile: shop\n",
        "models/a.sql": "{{ config(meta={'floe': {'pool': 'nodes'}}) }} select 1 as id",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    compile_product(tmp_path)
    assert pools_told_by_doctor(tmp_path) == {
        "prefect concurrency-limit create builds 1": "warning",
        "prefect gcl create nodes --limit 1": "warning",
    }
    client.create_concurrency_limit("builds", 1)
    limit(client, "nodes", 1)
    client.upsert_global_concurrency_limit_by_name("nodes", 0)
    assert pools_told_by_doctor(tmp_path) == {"prefect gcl update nodes --limit 1": "problem"}
    client.upsert_global_concurrency_limit_by_name("nodes", 1)
    assert pools_told_by_doctor(tmp_path) == {"": "ok"}
    off = GlobalConcurrencyLimitUpdate(active=False)
    client.update_global_concurrency_limit("nodes", off)
    assert pools_told_by_doctor(tmp_path) == {"prefect gcl enable nodes": "warning"}
