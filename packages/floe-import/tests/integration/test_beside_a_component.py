"""The oracle is the component itself: the assets that Dagster makes of its YAML."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from floe_core.compiler import compile_product
from floe_import.import_files import Request, import_products
from floe_import.proof.proofs import prove_definitions
from floe_import.writing import write_report

pytestmark = pytest.mark.long

FILES = {
    "pyproject.toml": (
        '[project]\nname = "acme"\nversion = "0"\n[tool.dg]\ndirectory_type = "project"\n'
        '[tool.dg.project]\nroot_module = "acme"\n'
    ),
    "acme/__init__.py": "",
    "acme/defs/__init__.py": "",
    "acme/defs/shop/defs.yaml": (
        "type: dagster_dbt.DbtProjectComponent\n"
        "attributes:\n"
        "  project: '{{ project_root }}/dbt'\n"
        "  op: {name: shop}\n"
        "  translation: {group_name: analytics, owners: ['team:shop'], tags: {a: b}}\n"
    ),
    "acme/definitions.py": (
        "from pathlib import Path\n"
        "import dagster as dg\n"
        "defs = dg.load_from_defs_folder(path_within_project=Path(__file__).parent)\n"
    ),
    "dbt/dbt_project.yml": "name: shop\nversion: 1.0.0\nprofile: shop\n",
    "dbt/profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}\n",
    "dbt/models/orders.sql": "select 1 as id",
    "dbt/models/totals.sql": "select count(*) as n from {{ ref('orders') }}",
    "dbt/models/schema.yml": (
        "models: [{name: orders, columns: [{name: id, data_tests: [unique]}]}]\n"
    ),
}


def test_the_written_definitions_are_those_of_the_component(
    tmp_path: Path, dagster_dbt: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("PYTHONPATH", f"{dagster_dbt}:{tmp_path}")
    dbt = str(Path(sys.executable).with_name("dbt"))
    subprocess.run([dbt, "--quiet", "parse"], cwd=tmp_path / "dbt", check=True)
    component = tmp_path / "acme" / "defs" / "shop" / "defs.yaml"
    report, _ = import_products(Request([component], (), tmp_path / "out"))
    assert report.disposition == "exact", report.as_text()
    write_report(report)
    compile_product(tmp_path / "dbt")
    new = tmp_path / "acme" / "defs" / "shop" / "new.txt"
    new.write_text((tmp_path / "out" / "definitions" / "shop.py").read_text())
    text = new.read_text().replace("Path(__file__)", f"Path({str(new)!r})")
    new.write_text(text)
    found = list(prove_definitions(tmp_path / "acme" / "definitions.py", new, sys.executable))
    assert [(v.disposition, v.sentence) for _, v in found] == [
        (
            "exact",
            "2 assets, 1 dependencies, 1 checks, groups, owners, tags, conditions and schedules are "
            "the same",
        )
    ]
