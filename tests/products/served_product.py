"""A product to be served: jobs that pass, fail and hang, and a table of the times they were for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
from faulty_product import ENDLESS

from floe_core.compiler import compile_product
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0, owner: platform@example.com}
plugins:
  orchestrator: {type: ORCHESTRATOR, config: {url: "URL"}}
  compute: {type: duckdb, config: {path: shop.duckdb, threads: 2}}
  lineage_backend: {type: openlineage, config: {type: file, log_file_path: lineage.jsonl, append: true}}
"""
FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: web-shop, version: 1.0.0, owner: data@example.com}
platform: {manifest: manifest.yaml}
schedule: {cron: "0 6 * * *", timezone: Europe/London}
jobs:
  - {name: good, select: "first not_null_first_id ticks"}
  - {name: bad, select: "bad+ aside"}
  - {name: hanging, select: "first hanging+"}
"""
TICKS = """\
{{ config(materialized="incremental") }}
select '{{ var("floe_nominal_time", "none") }}' as nominal_time
"""
FILES = {
    "dbt_project.yml": "name: shop\nversion: 1.0.0\nprofile: shop\nmodels: {+materialized: table}\n",
    "models/first.sql": "select 1 as id",
    "models/first.yml": "models: [{name: first, columns: [{name: id, data_tests: [not_null]}]}]",
    "models/aside.sql": "select 1 as id",
    "models/ticks.sql": TICKS,
    "models/bad.sql": "select error('this is bad') as id",
    "models/after_bad.sql": "select * from {{ ref('bad') }}",
    "models/hanging.sql": ENDLESS,
    "models/after_hanging.sql": "select * from {{ ref('hanging') }}",
}


def compile_served_product(folder: Path, orchestrator: str, url: str) -> CompiledArtifacts:
    """Write the product and compile it for an orchestrator that answers at the URL."""
    (folder / "models").mkdir(parents=True)
    manifest = MANIFEST.replace("ORCHESTRATOR", orchestrator).replace("URL", url)
    for name, text in {**FILES, "floe.yaml": FLOE, "manifest.yaml": manifest}.items():
        (folder / name).write_text(text)
    return compile_product(folder)


def nominal_times(artifacts: CompiledArtifacts) -> list[str]:
    """Return what the runs of `ticks` left in the warehouse, one entry a run, in order."""
    assert artifacts.project_dir is not None
    with duckdb.connect(str(artifacts.project_dir / "shop.duckdb"), read_only=True) as connection:
        rows = connection.execute("select nominal_time from ticks order by 1").fetchall()
    return [time for (time,) in rows]


def lineage(artifacts: CompiledArtifacts) -> list[dict[str, Any]]:
    """Return the lineage events of all runs, in order."""
    assert artifacts.project_dir is not None
    file = artifacts.project_dir / "lineage.jsonl"
    lines = file.read_text().splitlines(keepends=True) if file.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]
