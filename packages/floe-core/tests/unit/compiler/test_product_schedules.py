"""The schedules of a product that is not compiled: those of floe.yaml, and what the store overrides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from floe_core.compiler.jobs.product_schedules import product_schedules
from floe_core.schedules.schedule_override import ScheduleOverride
from floe_core.schedules.schedule_store import ScheduleStore
from floe_core.storage.shared_text import FileText

MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: acme, version: 1.0.0, owner: platform@example.com}
plugins:
  compute: {type: duckdb, config: {path: shop.duckdb}}
  orchestrator: {type: plain}
environments: {prod: {vars: {a: 1}}}
"""
FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: shop, version: 1.0.0, owner: data@example.com}
platform: {manifest: manifest.yaml}
schedule: {cron: "0 6 * * *", timezone: UTC}
"""


def test_an_environment_has_the_schedules_that_were_set_in_it(
    write_product: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    product = write_product(manifest=MANIFEST, floe=FLOE)
    override = ScheduleOverride(
        since=datetime(2026, 1, 1, tzinfo=UTC), cron="0 * * * *", timezone="UTC"
    )
    store = ScheduleStore(FileText(product / "schedules.json"), "prod")
    store.change(lambda kept: {**kept, "shop": override})
    assert cron_of(product) == "0 6 * * *"
    monkeypatch.setenv("FLOE_ENV", "prod")
    assert cron_of(product) == "0 * * * *"


def cron_of(product: Path) -> str:
    schedule = product_schedules(product)["shop"]
    assert schedule is not None
    return schedule.cron
