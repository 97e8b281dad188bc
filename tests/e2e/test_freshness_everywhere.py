"""A stale source holds back the same nodes on each orchestrator."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from warm_floe import floe

FILES = {
    "manifest.yaml": (
        "apiVersion: floe.dev/v1\nkind: Manifest\nmetadata: {name: platform, version: 1.0.0}\n"
        "plugins:\n  orchestrator: {type: dagster}\n"
        "  compute: {type: duckdb, config: {path: shop.duckdb, threads: 2}}\n"
    ),
    "floe.yaml": (
        "apiVersion: floe.dev/v1\nkind: FloeSpec\nmetadata: {name: shop, version: 1.0.0}\n"
        "platform: {manifest: manifest.yaml}\nexecution: {freshness: gate}\n"
    ),
    "dbt_project.yml": (
        "name: shop\nversion: 1.0.0\nprofile: shop\nmodels: {+materialized: table}\n"
    ),
    "models/sources.yml": (
        "sources:\n  - name: raw\n    schema: main\n    config:\n      loaded_at_field: loaded\n"
        "      freshness: {error_after: {count: 2, period: day}}\n"
        "    tables: [{name: fresh}, {name: stale}]\n"
    ),
    "models/of_fresh.sql": "select * from {{ source('raw', 'fresh') }}",
    "models/of_stale.sql": "select * from {{ source('raw', 'stale') }}",
    "models/below.sql": "select * from {{ ref('of_stale') }}",
}
STATUSES = {
    "freshness.shop.raw.fresh": "pass",
    "freshness.shop.raw.stale": "fail",
    "model.shop.of_fresh": "success",
    "model.shop.of_stale": "skipped",
    "model.shop.below": "skipped",
}


@pytest.mark.parametrize("orchestrator", ["dagster", "airflow", "prefect"])
def test_a_stale_source_holds_back_what_reads_it(tmp_path: Path, orchestrator: str) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as warehouse:
        for name, hours in (("fresh", 0), ("stale", 120)):
            loaded = f"(now() - interval {hours} hour)::timestamp"
            warehouse.execute(f"create table {name} as select 1 as id, {loaded} as loaded")
    done = floe("run", tmp_path, "--on", orchestrator, "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["status"], told["nodes"]) == (1, "failed", STATUSES), told
    assert "error_after is 2 days" in told["errors"]["freshness.shop.raw.stale"]
