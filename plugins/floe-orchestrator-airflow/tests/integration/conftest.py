"""Products compiled for real."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from floe_core.compiler import compile_product
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

EXAMPLES = Path(__file__).parents[4] / "examples"

# Every model leaves a row here each time that it runs: what ran is asked of the warehouse.
AUDIT = """
on-run-start: "create table if not exists main.audit (node varchar, attempt varchar)"
models:
  +materialized: table
  +post-hook: "insert into main.audit values ('{{ this.identifier }}', '{{ var(\\"floe_attempt\\") }}')"
"""


@pytest.fixture(scope="session")
def products(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the examples in it, to be compiled and run."""
    folder = tmp_path_factory.mktemp("products")
    shutil.copytree(EXAMPLES, folder, dirs_exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def hello(products: Path) -> CompiledArtifacts:
    return compile_product(products / "hello", orchestrator="airflow")


@pytest.fixture(scope="session")
def make_product(products: Path) -> Callable[..., CompiledArtifacts]:
    """Return a function that writes and compiles a product of these models, by name and SQL."""

    def make(
        name: str, models: dict[str, str], *, execution: str = "{}", schedule: str = "null"
    ) -> CompiledArtifacts:
        folder = products / name
        (folder / "models").mkdir(parents=True)
        project = f"name: {name}\nversion: 1.0.0\nprofile: {name}\n{AUDIT}"
        (folder / "dbt_project.yml").write_text(project)
        (folder / "floe.yaml").write_text(
            "apiVersion: floe.dev/v1\nkind: FloeSpec\n"
            f"metadata: {{name: {name}, version: 1.0.0, owner: data@example.com}}\n"
            f"platform: {{manifest: ../manifest.yaml}}\nexecution: {execution}\n"
            f"schedule: {schedule}\n"
        )
        for file, sql in models.items():
            path = folder / "models" / file
            path.parent.mkdir(exist_ok=True)
            path.write_text(sql)
        return compile_product(folder, orchestrator="airflow")

    return make


@pytest.fixture(scope="session")
def ask_warehouse() -> Callable[..., list[tuple]]:
    """Return a function that runs a query in a product's DuckDB file."""

    def ask(artifacts: CompiledArtifacts, query: str) -> list[tuple]:
        assert artifacts.project_dir is not None
        [file] = artifacts.project_dir.glob("*.duckdb")
        with duckdb.connect(str(file), read_only=True) as connection:
            return connection.execute(query).fetchall()

    return ask
