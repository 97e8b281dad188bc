"""What `floe import --prove-tables` says: plain dbt builds the same tables, others, or none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from warm_floe import floe

pytestmark = pytest.mark.long

FLOW = """
from prefect import flow
from prefect_dbt import PrefectDbtRunner, PrefectDbtSettings

settings = PrefectDbtSettings(project_dir={folder!r}, profiles_dir={folder!r})

@flow
def shop():
    PrefectDbtRunner(settings=settings).invoke(["build"])
"""
FILES = {
    "dbt_project.yml": "name: shop\nversion: 1.0.0\nprofile: shop\n",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}\n",
    "models/totals.sql": "select count(*) as n from {{ ref('orders') }}",
}


@pytest.mark.parametrize(
    ("orders", "disposition", "sentence"),
    [
        ("select 1 as id", "exact", "2 tables of dbt and prefect have the same rows"),
        (
            "{{ config(materialized='table') }} select random() as id",
            "changed",
            "floe parity finds 1 difference between dbt and prefect: model.shop.orders: ",
        ),
        (
            "{{ config(materialized='table') }} select error('no') as id",
            "unknown",
            "not proven: the run fails in the same way on dbt and prefect",
        ),
        ("select {{ no_such( }}", "unknown", "not proven: "),
    ],
)
def test_tables_are_compared_with_those_of_plain_dbt(
    orders: str, disposition: str, sentence: str, tmp_path: Path
) -> None:
    folder = tmp_path / "shop"
    for name, text in {**FILES, "models/orders.sql": orders}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    file = tmp_path / "flow.py"
    file.write_text(FLOW.format(folder=str(folder)))
    done = floe("import", file, "--prove-tables", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    [found] = [f for f in json.loads(done.stdout)["findings"] if f["code"] == "PRV301"]
    assert (found["disposition"], found["construct"]) == (disposition, "tables of shop")
    assert found["sentence"].startswith(sentence)
