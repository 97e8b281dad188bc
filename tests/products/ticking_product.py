"""A product that remembers the nominal time of each of its runs."""

from __future__ import annotations

from pathlib import Path

import duckdb

from floe_core.compiler import compile_product
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0, owner: platform@example.com}
plugins:
  orchestrator: {type: dagster}
  compute: {type: duckdb, config: {path: "{product_slug}.duckdb", threads: 1}}
"""
FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: tick-shop, version: 1.0.0, owner: data@example.com}
platform: {manifest: manifest.yaml}
schedule: {cron: "0 6 * * *", timezone: Europe/London}
jobs:
  - {name: some-part, select: ticks}
"""
TICKS = """\
{{ config(materialized="incremental") }}
select '{{ var("floe_nominal_time") }}' as nominal_time
"""


def compile_ticking_product(folder: Path, orchestrator: str) -> CompiledArtifacts:
    """Write the product and compile it."""
    (folder / "models").mkdir(parents=True)
    (folder / "manifest.yaml").write_text(MANIFEST)
    (folder / "floe.yaml").write_text(FLOE)
    (folder / "dbt_project.yml").write_text("name: tick_shop\nversion: 1.0.0\nprofile: tick_shop\n")
    (folder / "models" / "ticks.sql").write_text(TICKS)
    return compile_product(folder, orchestrator=orchestrator)


def nominal_times(artifacts: CompiledArtifacts) -> list[str]:
    """Return what the runs left in the warehouse, one entry a run, in order of time."""
    assert artifacts.project_dir is not None
    path = artifacts.project_dir / "tick_shop.duckdb"
    if not path.exists():
        return []
    with duckdb.connect(str(path), read_only=True) as connection:
        if not connection.execute("from duckdb_tables() where table_name = 'ticks'").fetchall():
            return []
        rows = connection.execute("select nominal_time from ticks order by 1").fetchall()
    return [time for (time,) in rows]
