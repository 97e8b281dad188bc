"""The same nodes are reused on each orchestrator, and none says that it built them."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterEventType, DagsterInstance
from reusing_product import FLOE
from warm_floe import floe

MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: dagster}
  compute: {type: duckdb}
"""
RAW, A, B, C = "seed.shop.raw", "model.shop.a", "model.shop.b", "model.shop.c"
CHANGED = {RAW: "reused", A: "success", B: "reused", C: "success"}
# The rows come to the same.
REWRITTEN = {RAW: "reused", A: "success", B: "reused", C: "reused"}


def write(folder: Path, factor: str) -> None:
    """Write the product; `b` reads nothing of the column that the factor is for."""
    for name in ("models", "seeds"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "floe.yaml").write_text(FLOE)
    (folder / "manifest.yaml").write_text(MANIFEST)
    (folder / "dbt_project.yml").write_text("name: shop\nversion: 1.0.0\nprofile: shop\n")
    (folder / "seeds" / "raw.csv").write_text("id,amount\n1,10\n2,20\n")
    head = "{{ config(materialized='table') }}\n"
    models = {
        "a": f"select id, amount * {factor} as amount from {{{{ ref('raw') }}}}",
        "b": "select id from {{ ref('a') }}",
        "c": "select id, amount from {{ ref('a') }}",
    }
    for name, sql in models.items():
        (folder / "models" / f"{name}.sql").write_text(head + sql)
    (folder / "models" / "schema.yml").write_text(
        "models: [{name: b, columns: [{name: id, data_tests: [unique]}]}]\n"
    )


def run(folder: Path, orchestrator: str) -> dict[str, Any]:
    done = floe("run", folder, "--on", orchestrator, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def built_according_to(orchestrator: str, folder: Path, run_id: str) -> int:
    """Return how many assets the orchestrator says that a run has built."""
    home = folder / ".floe" / orchestrator
    if orchestrator == "dagster":
        with DagsterInstance.from_config(str(home)) as instance:
            return len(instance.all_logs(run_id, of_type=DagsterEventType.ASSET_MATERIALIZATION))
    (database,) = home.rglob("airflow.db")
    with sqlite3.connect(database) as connection:
        asked = "select count(*) from asset_event where source_run_id = ?"
        (count,) = connection.execute(asked, (run_id,)).fetchone()
        return int(count)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("orchestrator", ["dagster", "airflow", "prefect"])
def test_what_reads_no_changed_column_is_reused(orchestrator: str, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    write(folder, factor="1")
    run(folder, orchestrator)
    check_run_after_a_change(folder, orchestrator, "2", CHANGED)
    check_run_after_a_change(folder, orchestrator, "(1 + 1)", REWRITTEN)


def check_run_after_a_change(
    folder: Path, orchestrator: str, factor: str, expected: dict[str, str]
) -> None:
    """Run with another factor, and compare what is said of each node with what was built."""
    write(folder, factor)
    report = run(folder, orchestrator)
    nodes = {i: status for i, status in report["nodes"].items() if not i.startswith("test.")}
    (test,) = (status for i, status in report["nodes"].items() if i.startswith("test."))
    assert (nodes, test) == (expected, "reused")
    if orchestrator != "prefect":
        built = [*expected.values()].count("success")
        assert built_according_to(orchestrator, folder, report["run_id"]) == built
