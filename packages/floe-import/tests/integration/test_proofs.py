"""What `floe import --prove` says, also where something differs."""

from __future__ import annotations

import json
import sys
import venv
from dataclasses import replace
from pathlib import Path

import pytest
from warm_floe import floe

from floe_import.import_files import Request, import_products
from floe_import.proof.proofs import (
    CannotAskError,
    ask,
    program,
    prove_definitions,
    prove_import,
    prove_product,
)
from floe_import.writing import write_report

pytestmark = pytest.mark.long

DAG = """
from cosmos import DbtDag, ProfileConfig, ProjectConfig, RenderConfig

shop = DbtDag(
    dag_id="shop",
    project_config=ProjectConfig({folder!r}, install_dbt_deps=False),
    profile_config=ProfileConfig("shop", "dev", {folder!r} + "/profiles.yml"),
    render_config=RenderConfig(select=["orders+"], exclude=["tag:slow"]),
    schedule="0 6 * * 1",
    catchup=False,
)
"""
FILES = {
    "dbt_project.yml": "name: shop\nversion: 1.0.0\nprofile: shop\n",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}\n",
    "models/orders.sql": "select 1 as id",
    "models/totals.sql": "select count(*) as n from {{ ref('orders') }}",
    "models/slow.sql": "{{ config(tags=['slow']) }} select * from {{ ref('orders') }}",
    "models/apart.sql": "select 1 as id",
}
BEFORE = """
import dagster as dg

@dg.asset(group_name="raw", owners=["team:a"])
def one(): ...

@dg.asset(deps=[one], automation_condition=dg.AutomationCondition.eager())
def two(): ...

@dg.asset_check(asset=one)
def right(): ...

weekly = dg.ScheduleDefinition("weekly", cron_schedule="0 6 * * 1", target=dg.AssetSelection.all())
defs = dg.Definitions(assets=[one, two], asset_checks=[right], schedules=[weekly])
"""


@pytest.fixture
def imported(tmp_path: Path, cosmos: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", str(cosmos))
    folder = tmp_path / "shop"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    file = tmp_path / "dag.py"
    file.write_text(DAG.format(folder=str(folder)))
    report, products = import_products(Request([file], (), tmp_path / "out"))
    write_report(report)
    return report, products


def test_nodes_and_ticks_are_those_of_cosmos_and_airflow(imported) -> None:
    report, products = imported
    prove_import(report, products, sys.executable)
    said = [f"{f.code} {f.disposition}: {f.sentence}" for f in report.findings[-2:]]
    assert said == [
        "PRV101 exact: all 52 ticks of 2026 are those of Airflow's timetable",
        "PRV102 exact: the 2 nodes that Cosmos selects",
    ]


def test_a_node_or_a_tick_that_differs_is_told(imported) -> None:
    _, [product] = imported
    [draft] = product.drafts
    planted = replace(
        draft,
        rendered={"select": ["+slow"]},
        schedule={"cron": "0 6 * * 1", "timezone": "Europe/Berlin"},
    )
    product.drafts = [planted]
    said = [f"{f.disposition}: {f.sentence}" for f in prove_product(product, sys.executable)]
    assert said[1] == (
        "changed: only Cosmos selects model.shop.slow; only floe selects model.shop.totals"
    )


def test_a_python_without_the_tool_proves_nothing(tmp_path: Path) -> None:
    with pytest.raises(CannotAskError, match="No module named 'cosmos'"):
        ask(sys.executable, program("cosmos_nodes"), str(tmp_path), "{}")
    with pytest.raises(CannotAskError, match="/no/python: No such file or directory"):
        ask("/no/python", program("cosmos_nodes"))


def test_the_same_definitions_are_exact(tmp_path: Path) -> None:
    old = tmp_path / "old.py"
    old.write_text(BEFORE)
    assert [
        (w, v.disposition, v.sentence) for w, v in prove_definitions(old, old, sys.executable)
    ] == [
        (
            "definitions",
            "exact",
            "2 assets, 1 dependencies, 1 checks, groups, owners, tags, conditions and schedules are "
            "the same",
        )
    ]


def test_each_difference_of_definitions_is_told(tmp_path: Path) -> None:
    old, new = tmp_path / "old.py", tmp_path / "new.py"
    old.write_text(BEFORE)
    changed = (
        BEFORE.replace('group_name="raw"', 'group_name="staging"')
        .replace("deps=[one], ", "")
        .replace("team:a", "team:b")
        .replace("automation_condition=dg.AutomationCondition.eager()", "")
        .replace("0 6 * * 1", "0 7 * * 1")
        .replace("def right", "def other")
        .replace("asset_checks=[right]", "asset_checks=[other]")
    )
    new.write_text(changed)
    found = {w: v.sentence for w, v in prove_definitions(old, new, sys.executable)}
    assert list(prove_definitions(old, new, sys.executable)) != []
    assert found["check one:right"] == "it is gone"
    assert found["check one:other"] == "it is new"
    assert found["schedule weekly"] == "'0 6 * * 1' becomes '0 7 * * 1'"
    assert found["asset one"] == "its owners ['team:a'] becomes ['team:b']"
    assert "its condition 'eager' becomes None" in [
        v.sentence for w, v in prove_definitions(old, new, sys.executable)
    ]
    assert "its dependencies ['one'] becomes []" in [
        v.sentence for w, v in prove_definitions(old, new, sys.executable)
    ]


ASSETS = """
from dagster_dbt import DbtCliResource, DbtProject, dbt_assets

@dbt_assets(manifest=DbtProject({folder!r}).manifest_path)
def shop_assets(context, dbt: DbtCliResource):
    yield from dbt.cli(["build"], context=context).stream()
"""


@pytest.mark.parametrize("python", ["bare/bin/python", "no/python"])
def test_an_import_goes_on_where_the_old_tools_are_missing(python: str, tmp_path: Path) -> None:
    """Two files of each tool, of one name: all are written, and none is proven."""
    venv.create(tmp_path / "bare")
    files = []
    for place in ("one", "two"):
        folder = tmp_path / place / "shop"
        for name, text in FILES.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        for name, text in (("dag.py", DAG), ("assets.py", ASSETS)):
            files.append(tmp_path / place / name)
            files[-1].write_text(text.format(folder=str(folder)))
    done = floe("import", *files, "--prove", "--python", tmp_path / python, "--json", cwd=tmp_path)
    report = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert all((tmp_path / path).exists() for path in report["written"])
    written = [path for path in report["written"] if path.endswith(".py")]
    assert [Path(path).parent.name for path in written] == ["dags", "definitions", "two", "two"]
    proofs = [each for each in report["findings"] if each["code"].startswith("PRV")]
    assert sorted(each["code"] for each in proofs) == sorted(2 * ["PRV101", "PRV102", "PRV201"])
    assert {each["disposition"] for each in proofs} == {"unknown"}
    assert all(each["sentence"].startswith("not proven: ") for each in proofs)
