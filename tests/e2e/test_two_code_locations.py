"""Two code locations of one Dagster hold the same product: each has its own runs alone."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest
from dagster import DagsterInstance
from dagster_process import dagster_process
from wait_for import wait_for

from floe_core.compiler import compile_product

pytestmark = pytest.mark.slow

FILES = {
    "manifest.yaml": (
        "apiVersion: floe.dev/v1\nkind: Manifest\nmetadata: {name: platform, version: 1.0.0}\n"
        "plugins:\n  orchestrator: {type: dagster}\n  compute: {type: duckdb}\n"
    ),
    "floe.yaml": (
        "apiVersion: floe.dev/v1\nkind: FloeSpec\nmetadata: {name: shop, version: 1.0.0}\n"
        "platform: {manifest: manifest.yaml}\n"
        'schedule: {cron: "* * * * *", timezone: UTC, catchup: CATCHUP}\n'
    ),
    "dbt_project.yml": "name: shop\nversion: 1.0.0\nprofile: shop\n",
    "models/first.sql": "select 1 as id",
}
# Of the location that keeps all that wait, and of the one that replaces them.
KEEPS, REPLACES = "dev", "prod"
NO_RUNS = "telemetry: {enabled: false}\nconcurrency: {runs: {max_concurrent_runs: 0}}\n"
TICKS = 3


def make_location(folder: Path, catchup: str) -> Mapping[str, object]:
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text.replace("CATCHUP", catchup))
    compile_product(folder)
    return {"relative_path": str(folder / "definitions.py"), "location_name": folder.name}


def runs_of(home: Path) -> dict[str, list[tuple[str, str, str]]]:
    """Return code location -> (tick, status, tick that replaced it) of its runs, oldest first."""
    found = defaultdict(list)
    with DagsterInstance.from_config(str(home)) as instance:
        for run in instance.get_runs():
            assert run.remote_job_origin is not None
            place = run.remote_job_origin.repository_origin.code_location_origin.location_name
            tick, by = run.tags["floe/nominal_time"], run.tags.get("floe/replaced_by", "")
            found[place].append((tick, run.status.value, by))
    return {place: sorted(runs) for place, runs in found.items()}


@pytest.mark.timeout(600)
def test_a_tick_replaces_the_waiting_runs_of_its_own_location_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text(NO_RUNS)
    files = [
        {"python_file": make_location(tmp_path / KEEPS, "true")},
        {"python_file": make_location(tmp_path / REPLACES, "false")},
    ]
    (home / "workspace.yaml").write_text(json.dumps({"load_from": files}))
    with dagster_process(["dagster-daemon", "run", "-w", "workspace.yaml"], home):
        both = (KEEPS, REPLACES)
        wait_for(lambda: all(len(runs_of(home).get(each, ())) >= TICKS for each in both), 400)
    found = runs_of(home)
    ticks = [tick for tick, _, _ in found[KEEPS]]
    assert found[KEEPS] == [(tick, "QUEUED", "") for tick in ticks]
    *earlier, last = found[REPLACES]
    followers = [tick for tick, _, _ in found[REPLACES]][1:]
    assert [(status, by) for _, status, by in earlier] == [("CANCELED", by) for by in followers]
    assert last[1:] == ("QUEUED", "")
