"""A product is judged by the schedules and the orchestrator that its jobs have now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from free_port import free_port
from warm_floe import floe

from floe_console.data.access import manifests_at
from floe_console.data.as_data import platform_as_data
from floe_console.data.refresh import Platform
from floe_core.compiler import compile_product
from floe_core.plugin_api.run_history import RecordedRun, RunState
from floe_core.schedules.job_schedules import JobSchedules
from floe_core.schedules.ownership import begin_move, end_move, first_owner
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: TYPE, config: {url: 'URL', schedule_store: 'FOLDER/store'}}
  compute: {type: duckdb, config: {path: FOLDER/tables.duckdb}}
products: {shop: shop}
"""
FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: shop, version: 1.0.0}
platform: {manifest: ../manifest.yaml}
schedule: {cron: "0 * * * *"}
deadline: "00:30"
alerts: [{on: [lateness], to: "env:NOWHERE"}]
jobs:
  - {name: nightly, select: "*", schedule: {cron: "0 3 * * *"}}
  - {name: by-hand, select: "*"}
"""
MOVED = datetime.now(UTC) - timedelta(days=2)
REFUSED = "no orchestrator responds here"


class Shop:
    """A product compiled for Dagster; runs are added as if its orchestrators had listed them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("shop/models", "store"):
            (folder / name).mkdir(parents=True)
        for file, kind in (("manifest.yaml", "dagster"), ("airflow.yaml", "airflow")):
            text = MANIFEST.replace("TYPE", kind).replace("FOLDER", str(folder))
            url = f"http://127.0.0.1:{free_port()}"
            (folder / file).write_text(text.replace("URL", url))
        (folder / "shop/floe.yaml").write_text(FLOE)
        (folder / "shop/dbt_project.yml").write_text("name: shop\nversion: 1.0.0\nprofile: shop\n")
        (folder / "shop/models/a.sql").write_text("select 1 as id")
        compile_product(folder / "shop")
        self.schedules = JobSchedules(CompiledArtifacts.load(folder / "shop"))
        self.runs: list[tuple[str, RecordedRun]] = []
        self.add("dagster", "shop", MOVED - timedelta(hours=1))

    def add(self, place: str, job: str, moment: datetime, state: RunState = "success") -> None:
        run = RecordedRun("shop", job, f"{place}-{len(self.runs)}", state, *[moment] * 4)
        self.runs.append((place, run))

    def move(self, owner: str, *jobs: str) -> None:
        moved = end_move(begin_move(first_owner("dagster"), owner, MOVED), MOVED)
        for job in jobs:
            assert self.schedules.change_owner(job, None, moved)

    def look(self, *readable: str, access: bool = True) -> dict[str, Any]:
        """Return what the page shows, if these orchestrators were just read."""
        manifests = manifests_at([self.folder / "airflow.yaml"] if access else [])
        platform = Platform(self.folder / "manifest.yaml", manifests)
        platform.read_products()
        platform.read_records()
        for place, run in self.runs:
            platform.book.add(place, [run])
        for name, state in platform.places.items():
            problem = "" if name in readable else state.place.problem or REFUSED
            platform.places[name] = replace(state, read_at=datetime.now(UTC), problem=problem)
        [found] = platform_as_data(platform)["products"]
        return found


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def told(found: dict[str, Any]) -> tuple[str, ...]:
    return tuple(found[name] for name in ("orchestrator", "place", "status", "why"))


@pytest.mark.parametrize("change", [JobSchedules.pause, JobSchedules.remove])
def test_a_job_whose_schedule_is_off_is_late_only_if_it_still_has_to_run(
    shop: Shop, change: Callable[[JobSchedules, str], None]
) -> None:
    found = shop.look("dagster")
    assert (found["status"], found["why"]) == ("late", "shop missed its deadline")
    change(shop.schedules, "shop")
    found = shop.look("dagster")
    # A deadline of a job without a schedule is one for whatever starts it.
    is_paused = change is JobSchedules.pause
    assert [each["job"] for each in found["late"]] == ([] if is_paused else ["shop"])
    assert found["status"] == ("ok" if is_paused else "late")


def test_before_a_move_is_over_a_product_is_where_it_was(shop: Shop) -> None:
    owner = begin_move(first_owner("dagster"), "airflow", datetime.now(UTC) + timedelta(hours=1))
    shop.schedules.change_owner("shop", None, owner)
    found = shop.look("dagster")
    assert told(found) == ("dagster", "dagster", "late", "shop missed its deadline")


def test_a_product_that_moved_is_not_judged_by_where_it_was(shop: Shop) -> None:
    shop.move("airflow", "shop", "nightly")
    found = shop.look("dagster")
    assert told(found) == ("airflow", "airflow", "unknown", REFUSED)
    assert found["late"] == []
    assert [each["place"] for each in found["last_runs"]] == ["dagster"]
    why = "airflow runs it, so the records of its runs are elsewhere"
    assert [found[name]["unknown"] for name in ("alerts", "lineage", "reuse")] == [why] * 3
    shop.schedules.pause("shop")
    found = shop.look("airflow")
    assert told(found) == ("airflow", "airflow", "new", "shop has not run on airflow yet")


def test_the_runs_of_its_owner_count(shop: Shop) -> None:
    shop.move("airflow", "shop", "nightly")
    shop.add("airflow", "shop", datetime.now(UTC))
    found = shop.look("airflow")
    assert told(found) == ("airflow", "airflow", "ok", "the last run of each job succeeded")
    [job] = [each for each in found["jobs"] if each["name"] == "shop"]
    assert job["orchestrator"] == "airflow"
    assert job["next_tick"]
    assert not job["is_paused"]
    assert job["schedule"] == "0 * * * * in UTC (airflow runs it, since move 2)"
    shop.add("airflow", "shop", datetime.now(UTC), "failed")
    assert shop.look("airflow")["status"] == "failed"


def test_an_owner_that_no_manifest_reaches_is_unknown(shop: Shop) -> None:
    shop.move("airflow", "shop", "nightly")
    why = "no manifest here says where airflow is: name one that does with --access"
    found = shop.look("dagster", access=False)
    assert told(found) == ("airflow", "airflow", "unknown", why)


def test_a_schedule_that_floe_does_not_manage_is_unknown(shop: Shop) -> None:
    shop.move("airflow:old", "shop", "nightly")
    why = "airflow:old starts it, and its runs are not listed here"
    assert told(shop.look("dagster", "airflow")) == ("airflow:old", "", "unknown", why)


def test_a_product_of_which_one_job_moved_is_on_both(shop: Shop) -> None:
    shop.move("airflow", "nightly")
    shop.schedules.pause("shop")
    both = "dagster and airflow"
    assert told(shop.look("dagster")) == (both, both, "unknown", REFUSED)
    assert told(shop.look("airflow")) == (both, both, "unknown", REFUSED)
    assert told(shop.look("airflow", "dagster"))[2:] == ("ok", "the last run of each job succeeded")
    shop.add("dagster", "nightly", MOVED - timedelta(hours=2))
    why = "nightly has not run on airflow yet"
    assert told(shop.look("airflow", "dagster"))[2:] == ("new", why)


def test_floe_mesh_names_the_owner(shop: Shop) -> None:
    shop.move("airflow", "shop", "nightly")
    done = floe("mesh", shop.folder)
    assert "shop 1.0.0 on airflow" in done.stdout, done.stderr
