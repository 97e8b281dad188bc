"""Two environments of one compiled product that are served on one Prefect server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from alert_receiver import AlertReceiver, alert_receiver
from plain_shop import FLOE
from running_prefect import RunningPrefect
from wait_for import wait_for

from floe_core.compiler import compile_product
from floe_orchestrator_prefect import PrefectPlugin

pytestmark = pytest.mark.long

ENVIRONMENTS = ("dev", "prod")
MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: prefect}
  compute: {type: duckdb, config: {path: "{product_slug}.duckdb", threads: 1}}
environments:
  dev: {compute: {schema: dev}}
  prod: {compute: {schema: prod}}
"""
ALERTS = "alerts: [{on: [failure], to: \"{{ env_var('SHOP_ALERTS_URL') }}\"}]\n"
RUNS = """\
{{ config(materialized="incremental") }}
select '{{ invocation_id }}' as id, '{{ target.schema }}' as schema
"""
# Its environment's runs hang while there is a file of that name in the folder.
HELD = """\
import time
from pathlib import Path

def model(dbt, session):
    dbt.ref("runs")
    while (Path("FOLDER") / dbt.this.schema).exists():
        time.sleep(0.1)
    return session.sql("select 1 as id")
"""


@pytest.fixture(scope="module")
def receiver() -> Iterator[AlertReceiver]:
    with alert_receiver() as running, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHOP_ALERTS_URL", running.url)
        yield running


@pytest.fixture
def prefect(tmp_path: Path, receiver: AlertReceiver) -> Iterator[RunningPrefect]:
    running = RunningPrefect(tmp_path)
    with running.up():
        yield running


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    files = {
        "dbt_project.yml": "{name: shop, version: 1.0.0, profile: shop}\n",
        "floe.yaml": FLOE + ALERTS,
        "manifest.yaml": MANIFEST,
        "models/runs.sql": RUNS,
        "models/held.py": HELD.replace("FOLDER", str(folder)),
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    compile_product(folder)
    return folder


def built(shop: Path, environment: str) -> int:
    """Return how many runs built the table of an environment, all of them for it."""
    with duckdb.connect(str(shop / "shop.duckdb"), read_only=True) as warehouse:
        rows = warehouse.execute(f"select schema from {environment}.runs").fetchall()
    assert {schema for (schema,) in rows} == {environment}
    return len(rows)


def test_each_process_runs_its_own_environment(prefect: RunningPrefect, shop: Path) -> None:
    with prefect.serving(shop, FLOE_ENV="dev"), prefect.serving(shop, FLOE_ENV="prod"):
        for number in (1, 2, 3):
            ids = [prefect.trigger(f"shop@{each}/floe") for each in ENVIRONMENTS]
            assert [prefect.ended(each) for each in ids] == ["Completed", "Completed"]
            assert [built(shop, each) for each in ENVIRONMENTS] == [number, number]
    tags = [prefect.deployment(f"shop@{each}/floe")["tags"] for each in ENVIRONMENTS]
    assert tags == [["shop", "dev"], ["shop", "prod"]]


def test_the_history_of_an_environment_has_its_own_runs(
    prefect: RunningPrefect, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with prefect.serving(shop, FLOE_ENV="dev"), prefect.serving(shop, FLOE_ENV="prod"):
        ids = {each: prefect.trigger(f"shop@{each}/floe") for each in ENVIRONMENTS}
        for each in ids.values():
            prefect.ended(each)
    plugin = PrefectPlugin()
    plugin.configure({"url": prefect.url})
    for environment, run_id in ids.items():
        monkeypatch.setenv("FLOE_ENV", environment)
        found = plugin.recent_runs([compile_product(shop)], None, 10, 60.0)
        assert [run.run_id for run in found] == [run_id]


def test_a_killed_run_is_ended_and_told_by_its_own_environment(
    prefect: RunningPrefect, shop: Path, receiver: AlertReceiver
) -> None:
    (shop / "prod").touch()
    with prefect.serving(shop, FLOE_ENV="prod"):
        run_id = prefect.trigger("shop@prod/floe")
        wait_for(lambda: prefect.tasks(run_id).get("held") == "Running", 120)
        prefect.kill("serve")
    with prefect.serving(shop, FLOE_ENV="dev"):
        assert prefect.ended(prefect.trigger("shop@dev/floe")) == "Completed"
    assert prefect.run(run_id)["state"]["name"] == "Running"
    assert receiver.posted == []
    (shop / "prod").unlink()
    with prefect.serving(shop, FLOE_ENV="prod"):
        assert prefect.ended(run_id) == "Crashed"
        wait_for(lambda: len(receiver.posted) == 1, 60)
    assert "prod" in receiver.posted[0]["message"]
