"""A job whose tests run after all else has the same results on every orchestrator."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

FLOE = Path(sys.executable).with_name("floe")
TABLE = "{{ config(materialized='table') }} "
FILES = {
    "floe.yaml": """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: shop, version: 1.0.0}
platform: {manifest: manifest.yaml}
execution: {tests: after_all}
""",
    "manifest.yaml": """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins: {orchestrator: {type: dagster}, compute: {type: duckdb}}
""",
    "dbt_project.yml": "name: shop\nversion: 1.0.0\nprofile: shop\n",
    "models/first.sql": f"{TABLE} select 1 as id union all select 1",
    "models/second.sql": f"{TABLE} select * from {{{{ ref('first') }}}}",
    "models/schema.yml": "models: [{name: first, columns: [{name: id, data_tests: [unique]}]}]\n",
}
SIDES = ("dbt", "dagster", "airflow", "prefect")


@pytest.mark.slow
def test_a_failed_test_holds_back_nothing_anywhere(tmp_path: Path) -> None:
    for name, text in FILES.items():
        path = tmp_path / "shop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    chosen = [word for side in SIDES for word in ("--on", side)]
    done = subprocess.run(
        [FLOE, "parity", tmp_path / "shop", *chosen, "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.loads(done.stdout)
    assert told["differences"] == []
    assert {side: run["status"] for side, run in told["runs"].items()} == dict.fromkeys(
        SIDES, "failed"
    )
    found = {
        node_id.split(".")[2]: {node[side] for side in SIDES}
        for node_id, node in told["nodes"].items()
    }
    assert found == {"first": {"success"}, "second": {"success"}, "unique_first_id": {"fail"}}
