"""The oracle is dagster-dbt itself: the keys, dependencies, checks and groups of its definitions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from floe_import.import_files import Request, import_products
from floe_import.proof.proofs import prove_import
from floe_import.writing import write_report

pytestmark = pytest.mark.long

DEFINITIONS = """
from pathlib import Path

import dagster as dg
from dagster_dbt import (
    DagsterDbtTranslator,
    DbtCliResource,
    DbtProject,
    build_schedule_from_dbt_selection,
    dbt_assets,
    get_asset_key_for_model,
)

project = DbtProject(project_dir=Path(__file__).parent / "shop")


class Translator(DagsterDbtTranslator):
    def get_asset_key(self, props):
        return super().get_asset_key(props).with_prefix("shop")

    def get_group_name(self, props):
        return "of_" + props["resource_type"]

    def get_owners(self, props):
        return ["team:shop"]

    def get_automation_condition(self, props):
        return dg.AutomationCondition.eager()


@dbt_assets(manifest=project.manifest_path{arguments})
def shop_assets(context: dg.AssetExecutionContext, dbt: DbtCliResource):
    yield from dbt.cli(["build"], context=context).stream()


@dg.asset(deps=[get_asset_key_for_model([shop_assets], "orders")])
def push():
    ...


daily = build_schedule_from_dbt_selection([shop_assets], job_name="daily", cron_schedule="@daily")
defs = dg.Definitions(
    assets=[shop_assets, push],
    schedules=[daily],
    resources={{"dbt": DbtCliResource(project_dir=project)}},
)
"""
FILES = {
    "dbt_project.yml": "name: shop\nversion: 1.0.0\nprofile: shop\n",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}\n",
    "seeds/raw.csv": "id\n1\n",
    "models/orders.sql": "select * from {{ ref('raw') }}",
    "models/totals.sql": "{{ config(tags=['daily']) }} select count(*) as n from {{ ref('orders') }}",
    "models/schema.yml": (
        "sources: [{name: lake, tables: [{name: people}]}]\n"
        "models: [{name: orders, columns: [{name: id, data_tests: [unique, not_null]}]}]\n"
    ),
    "models/people.sql": "select * from {{ source('lake', 'people') }}",
}


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        ", dagster_dbt_translator=Translator()",
        ", dagster_dbt_translator=Translator(), select='orders+', exclude='tag:weekly'",
        ", name='named', op_tags={'team': 'shop'}, project=project",
    ],
    ids=["as it is", "translator", "selection", "settings"],
)
def test_the_written_definitions_are_those_of_dagster_dbt(
    arguments: str, tmp_path: Path, dagster_dbt: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(dagster_dbt))
    shop = tmp_path / "shop"
    for name, text in FILES.items():
        (shop / name).parent.mkdir(parents=True, exist_ok=True)
        (shop / name).write_text(text)
    dbt = str(Path(sys.executable).with_name("dbt"))
    subprocess.run([dbt, "--quiet", "parse"], cwd=shop, check=True)
    file = tmp_path / "definitions.py"
    file.write_text(DEFINITIONS.format(arguments=arguments))
    report, products = import_products(Request([file], (), tmp_path / "out"))
    assert report.disposition == "exact", report.as_text()
    write_report(report)
    prove_import(report, products, sys.executable)
    proven = [(f.disposition, f.sentence) for f in report.findings if f.code == "PRV201"]
    assert [each for each, _ in proven] == ["exact"], proven
