from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb
import pytest

from floe_core.compiler import compile_product
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

EXAMPLES = Path(__file__).parents[4] / "examples"
MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: test-platform, version: 1.0.0, owner: platform@example.com}
plugins:
  orchestrator: {type: dagster}
  compute: {type: duckdb, config: {path: "{product_slug}.duckdb", threads: 2}}
"""
FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: web-shop, version: 1.0.0, owner: data@example.com}
platform: {manifest: manifest.yaml}
"""
DBT = """\
name: shop
version: 1.0.0
profile: shop
models: {+materialized: table}
"""

Compile = Callable[..., CompiledArtifacts]


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compile:
    """Return a maker of compiled products: `compiled({"models/a.sql": "select 1"}, floe="...")`.

    `floe` is added to floe.yaml. Each product has a folder of its own.
    """

    def make(files: Mapping[str, str], floe: str = "") -> CompiledArtifacts:
        folder = tmp_path_factory.mktemp("web-shop")
        written = {
            "manifest.yaml": MANIFEST,
            "floe.yaml": FLOE + floe,
            "dbt_project.yml": DBT,
            **files,
        }
        for name, text in written.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return compile_product(folder)

    return make


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], CompiledArtifacts]:
    """Return a maker of compiled copies of the examples, by folder name."""

    def make(name: str) -> CompiledArtifacts:
        folder = tmp_path_factory.mktemp("examples")
        shutil.copy(EXAMPLES / "manifest.yaml", folder)
        shutil.copytree(EXAMPLES / name, folder / name)
        return compile_product(folder / name, orchestrator="dagster")

    return make


def tables_in(artifacts: CompiledArtifacts) -> set[str]:
    """Return the names of what the product's DuckDB file holds."""
    assert artifacts.project_dir is not None
    [file] = artifacts.project_dir.glob("*.duckdb")
    with duckdb.connect(str(file), read_only=True) as connection:
        rows = connection.execute("select table_name from information_schema.tables").fetchall()
    return {name for (name,) in rows}


@pytest.fixture
def tables() -> Callable[[CompiledArtifacts], set[str]]:
    return tables_in
