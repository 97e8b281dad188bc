"""dbt-ol, OpenLineage's own emitter for dbt, and floe on one DuckDB file: the same datasets."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from openlineage.client.serde import Serde
from openlineage.common.provider.dbt.local import DbtLocalArtifactProcessor

from floe_core.compiler import compile_product
from floe_core.execution import build
from floe_core.runs.build_request import BuildRequest

EXAMPLES = Path(__file__).parents[5] / "examples"
PROFILE = "hello: {target: dev, outputs: {dev: {type: duckdb, path: hello.duckdb}}}\n"


def test_with_its_namespace_the_tables_of_both_are_one_dataset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(EXAMPLES, tmp_path / "e", ignore=shutil.ignore_patterns(".floe", "*.duckdb"))
    product = tmp_path / "e" / "hello"
    manifest = tmp_path / "e" / "manifest.yaml"
    setting = 'lineage: {dataset_namespace: "duckdb://{product_slug}.duckdb"}'
    text = manifest.read_text().replace("lineage: {enabled: true}", setting)
    assert setting in text
    manifest.write_text(text)
    ours = datasets(told_by_floe(product, monkeypatch))
    theirs = datasets(told_by_dbt_ol(tmp_path / "plain", product))
    # dbt-ol does not have seeds as inputs.
    assert ours - {("duckdb://hello.duckdb", "hello.main.people")} == theirs
    assert ("duckdb://hello.duckdb", "hello.main.greetings") in theirs


def told_by_floe(product: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    file = product / "received.jsonl"
    transport = {"type": "file", "log_file_path": str(file), "append": True}
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT", json.dumps(transport))
    list(build(compile_product(product), BuildRequest("hello", "run")))
    events = map(json.loads, file.read_text().splitlines())
    return [each for each in events if ".model." in each["job"]["name"]]


def told_by_dbt_ol(plain: Path, product: Path) -> list[dict[str, Any]]:
    """Run plain dbt in a copy, and have dbt-ol's processor read what it left, as dbt-ol does."""
    shutil.copytree(product, plain, ignore=shutil.ignore_patterns(".floe", "*.duckdb", "target"))
    (plain / "profiles.yml").write_text(PROFILE)
    dbt = Path(sys.executable).with_name("dbt")
    subprocess.run([dbt, "build"], cwd=plain, check=True, capture_output=True)
    processor = DbtLocalArtifactProcessor(
        project_dir=str(plain), target="dev", producer="https://example.com", job_namespace="dbt"
    )
    events = processor.parse()
    return [Serde.to_dict(each) for each in events.events()]


def datasets(events: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {
        (each["namespace"], each["name"])
        for event in events
        for each in (*event["inputs"], *event["outputs"])
    }
