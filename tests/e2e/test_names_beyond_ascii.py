"""A model whose name is not ASCII runs on each orchestrator as under plain dbt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from warm_floe import floe

FILES = {
    "floe.yaml": (
        "apiVersion: floe.dev/v1\nkind: FloeSpec\nmetadata: {name: shop, version: 1.0.0}\n"
        "platform: {manifest: manifest.yaml}\n"
    ),
    "manifest.yaml": (
        "apiVersion: floe.dev/v1\nkind: Manifest\nmetadata: {name: platform, version: 1.0.0}\n"
        "plugins:\n  orchestrator: {type: dagster}\n  compute: {type: duckdb}\n"
    ),
    "dbt_project.yml": "name: shop\nversion: 1.0.0\nprofile: shop\n",
    "models/grüße.sql": "select 1 as id",
    "models/второй.sql": "select id from {{ ref('grüße') }}",
}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("orchestrator", ["dagster", "airflow", "prefect"])
def test_the_run_succeeds(orchestrator: str, tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    done = floe("run", tmp_path, "--on", orchestrator, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    nodes = json.loads(done.stdout)["nodes"]
    assert nodes == {"model.shop.grüße": "success", "model.shop.второй": "success"}
