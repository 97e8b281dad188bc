"""What a product's own records tell, after real runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from warm_floe import floe

from floe_console.data.product_records import RecordsReader
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

pytestmark = pytest.mark.long

EXAMPLES = Path(__file__).parents[4] / "examples"


def test_partitions_that_were_built_are_done_and_others_missing(tmp_path: Path) -> None:
    folder = tmp_path / "events"
    shutil.copytree(EXAMPLES / "events", folder, ignore=shutil.ignore_patterns(".floe"))
    shutil.copy(EXAMPLES / "manifest.yaml", tmp_path)
    done = floe("run", folder, "--partition", "2026-11-03")
    assert done.returncode == 0, done.stdout + done.stderr
    product = CompiledArtifacts.load(folder)
    found = RecordsReader().read(product).partitions
    assert found.unknown == ""
    states = {each["key"]: each["state"] for each in found.value["last"]}
    assert states.pop("2026-11-03") == "done"
    assert set(states.values()) == {"missing"}
    assert found.value["counts"]["done"] == 1


def test_a_source_that_was_measured_is_told(tmp_path: Path) -> None:
    write_measured(tmp_path)
    done = floe("run", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    product = CompiledArtifacts.load(tmp_path)
    reader = RecordsReader()
    found = reader.read(product).freshness
    [source] = found.value["sources"]
    assert (found.value["policy"], source["state"]) == ("report", "warn")
    assert reader.read(product).freshness is found


def test_a_product_without_records_says_so(tmp_path: Path) -> None:
    write_measured(tmp_path)
    floe("compile", tmp_path)
    found = RecordsReader().read(CompiledArtifacts.load(tmp_path))
    for fact in (found.lineage, found.reuse, found.freshness):
        assert fact.unknown == f"there are no records of runs in {tmp_path / '.floe'}"
    assert not (tmp_path / ".floe" / "partitions").exists()


def write_measured(folder: Path) -> None:
    """Write a product that reads a table of the year 2000."""
    files = {
        "manifest.yaml": "apiVersion: floe.dev/v1\nkind: Manifest\n"
        "metadata: {name: platform, version: 1.0.0}\nplugins:\n  orchestrator: {type: dagster}\n"
        "  compute: {type: duckdb, config: {path: shop.duckdb}}\n",
        "floe.yaml": "apiVersion: floe.dev/v1\nkind: FloeSpec\nmetadata: {name: shop, version: 1.0.0}\n"
        "platform: {manifest: manifest.yaml}\nexecution: {freshness: report}\n",
        "dbt_project.yml": "name: shop\nversion: 1.0.0\nprofile: shop\n",
        "models/m.sql": "select * from {{ source('raw', 'old') }}",
        "models/s.yml": "sources:\n  - name: raw\n    schema: main\n    tables:\n      - name: old\n"
        "        loaded_at_field: at\n        config: {freshness: {warn_after: {count: 1, period: day},"
        " error_after: {count: 1, period: day}}}\n",
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    with duckdb.connect(folder / "shop.duckdb") as connection:
        connection.execute("create table old as select timestamp '2000-01-01' as at")
