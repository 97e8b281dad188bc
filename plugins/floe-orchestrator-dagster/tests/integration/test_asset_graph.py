"""The asset graph is dbt's graph, edge for edge, and is there without dbt."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from dagster import AssetKey
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.loader import load_product_definitions
from floe_orchestrator_dagster.names.asset_specs import NODE_METADATA

EPHEMERAL = "{{ config(materialized='ephemeral') }} "
FILES = {
    "models/schema.yml": """\
sources:
  - name: erp
    schema: main
    tables: [{name: raw, columns: [{name: id, data_tests: [not_null]}]}, {name: other}]
models:
  - name: ver
    latest_version: 2
    versions: [{v: 1}, {v: 2}]
  - name: custom
    config: {schema: marts, meta: {dagster: {group: finance}}}
""",
    "models/raw_ids.sql": EPHEMERAL + "select id from {{ source('erp', 'raw') }}",
    "models/again.sql": EPHEMERAL + "select id from {{ ref('raw_ids') }}",
    "models/a.sql": "select id from {{ ref('again') }} join {{ source('erp', 'other') }} using (id)",
    "models/ver_v1.sql": "select * from {{ ref('a') }}",
    "models/ver_v2.sql": "select * from {{ ref('a') }} join {{ ref('raw_ids') }} using (id)",
    "models/custom.sql": "select * from {{ ref('ver', v=1) }}",
    "models/off.sql": "{{ config(enabled=false) }} select 1",
    "tests/both.sql": "select 1 from {{ ref('a') }}, {{ ref('custom') }} where false",
}


def edges_of_dbt(project_dir: Path) -> set[tuple[str, str]]:
    """Return (parent, child) of what has a table, ephemeral models replaced by their parents."""
    manifest = json.loads((project_dir / "target/manifest.json").read_text())
    nodes = manifest["nodes"]

    def is_ephemeral(node_id: str) -> bool:
        return nodes.get(node_id, {}).get("config", {}).get("materialized") == "ephemeral"

    def parents(node_id: str) -> set[str]:
        found = set()
        for parent in nodes[node_id]["depends_on"].get("nodes", ()):
            found |= parents(parent) if is_ephemeral(parent) else {parent}
        return found

    built = [
        node_id
        for node_id, node in nodes.items()
        if node["resource_type"] in ("model", "seed", "snapshot") and not is_ephemeral(node_id)
    ]
    return {(parent, child) for child in built for parent in parents(child)}


def graph_of(artifacts: CompiledArtifacts) -> AssetGraph:
    definitions = load_product_definitions(artifacts.product.name, artifacts.project_dir)
    return definitions.get_repository_def().asset_graph


def edges_of_dagster(artifacts: CompiledArtifacts) -> set[tuple[str, str]]:
    graph = graph_of(artifacts)
    ids = {key: node_id(graph, key) for key in graph.get_all_asset_keys()}
    return {(ids[p], ids[key]) for key in ids for p in graph.get(key).parent_keys}


def node_id(graph: AssetGraph, key: AssetKey) -> str:
    """Return the id of an asset's node; a source is a key without a definition."""
    return graph.get(key).metadata.get(NODE_METADATA) or f"source.shop.{'.'.join(key.path)}"


@pytest.mark.parametrize("name", ["hello", "customer-360"])
def test_an_examples_asset_graph_is_dbts(example, name):
    artifacts = example(name)
    assert edges_of_dagster(artifacts) == edges_of_dbt(artifacts.project_dir) != set()


@pytest.fixture(scope="module")
def folded(compiled):
    return compiled(FILES)


def test_ephemeral_models_are_folded_away_and_sources_stay(folded):
    assert edges_of_dagster(folded) == edges_of_dbt(folded.project_dir)


def test_keys_groups_and_checks_are_where_dagster_dbt_users_look_for_them(folded):
    graph = graph_of(folded)
    keys = {key.to_user_string(): graph.get(key).group_name for key in graph.get_all_asset_keys()}
    assert keys == {
        "erp/raw": "default",
        "erp/other": "default",
        "a": "web_shop",
        "ver_v1": "web_shop",
        "ver_v2": "web_shop",
        "marts/custom": "finance",
    }
    checks = {(key.asset_key.to_user_string(), key.name) for key in graph.asset_check_keys}
    assert checks == {("erp/raw", "web_shop__source_not_null_erp_raw_id"), ("marts/custom", "both")}


def test_loading_needs_no_dbt(folded):
    code = (
        "import sys, runpy;"
        f"runpy.run_path({str(folded.project_dir / 'definitions.py')!r})['defs']"
        ".get_repository_def().load_all_definitions();"
        "print(sorted({m.partition('.')[0] for m in sys.modules} & {'dbt', 'dagster_dbt'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
