"""A product that remembers the nominal time of each of its runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

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


LINEAGE_FILE = "lineage-events.jsonl"


def compile_ticking_product(
    folder: Path, orchestrator: str, settings: Mapping[str, str] = MappingProxyType({})
) -> CompiledArtifacts:
    """Write the product, the settings those of its orchestrator, and compile it."""
    (folder / "models").mkdir(parents=True)
    chosen = f"orchestrator: {{type: {orchestrator}, config: {json.dumps(dict(settings))}}}"
    (folder / "manifest.yaml").write_text(MANIFEST.replace("orchestrator: {type: dagster}", chosen))
    (folder / "floe.yaml").write_text(FLOE)
    (folder / "dbt_project.yml").write_text("name: tick_shop\nversion: 1.0.0\nprofile: tick_shop\n")
    (folder / "models" / "ticks.sql").write_text(TICKS)
    return compile_product(folder, orchestrator=orchestrator)


def lineage_to_file(folder: Path) -> dict[str, str]:
    """Return the environment of an orchestrator whose runs tell their lineage to a file here."""
    config = folder / "openlineage.yml"
    target = json.dumps(str(folder / LINEAGE_FILE))
    config.write_text(f"transport: {{type: file, log_file_path: {target}, append: true}}\n")
    return {"OPENLINEAGE_CONFIG": str(config)}


def nominal_times_in_lineage(folder: Path) -> set[str]:
    """Return the nominal times of the product's finished runs, as their lineage events have it."""
    path = folder / LINEAGE_FILE
    lines = path.read_text().splitlines() if path.exists() else []
    events = [json.loads(line) for line in lines]
    return {
        datetime.fromisoformat(
            event["run"]["facets"]["nominalTime"]["nominalStartTime"]
        ).isoformat()
        for event in events
        if (event["eventType"], event["job"]["name"]) == ("COMPLETE", "tick-shop")
    }


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
