"""`--env` on the command line: the same folder, another target, other vars, on each orchestrator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
import warm_floe

FILES = {
    "floe.yaml": """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: shop, version: 1.0.0}
platform: {manifest: manifest.yaml}
schedule: {cron: "0 6 * * *", timezone: UTC}
""",
    "manifest.yaml": """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: dagster}
  compute: {type: duckdb, config: {schema: base}}
environments:
  prod:
    compute: {schema: prod_schema}
    vars: {word: prod}
    schedules: {jobs: {shop: {cron: "0 7 * * *"}}}
    resource_presets:
      small: {cpu_request: "1", cpu_limit: "2", memory_request: 1Gi, memory_limit: 2Gi}
""",
    "dbt_project.yml": "name: shop\nversion: 1.0.0\nprofile: shop\nmodels: {+materialized: table}\n",
    "models/first.sql": "select '{{ var('word', 'none') }}' as word, '{{ target.name }}' as target",
}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def floe(*words: str | Path, **variables: str) -> tuple[int, str, str]:
    done = warm_floe.floe(*words, **variables)
    return done.returncode, done.stdout, done.stderr


def told(*words: str | Path, **variables: str) -> Any:
    code, output, errors = floe(*words, "--json", **variables)
    assert code == 0, errors
    return json.loads(output)


@pytest.mark.parametrize("orchestrator", ["dagster", "prefect", "airflow"])
def test_a_run_is_in_the_environment_that_is_asked_for(orchestrator: str, shop: Path) -> None:
    assert told("run", shop, "--on", orchestrator, "--env", "prod")["status"] == "success"
    with duckdb.connect(str(shop / "shop.duckdb"), read_only=True) as warehouse:
        tables = warehouse.execute("select table_schema from information_schema.tables").fetchall()
        rows = warehouse.execute("select * from prod_schema.first").fetchall()
    assert (tables, rows) == ([("prod_schema",)], [("prod", "prod")])


def test_show_tells_the_environments_and_the_one_that_is_chosen(shop: Path) -> None:
    assert floe("compile", shop)[0] == 0
    shown = told("show", shop, FLOE_ENV="prod")
    assert shown["environment"] == "prod"
    assert shown["environments"]["prod"]["target"] == "prod"
    assert shown["environments"]["prod"]["nodes"]["model.shop.first"]["schema_name"] == (
        "prod_schema"
    )
    assert shown["jobs"][0]["schedule"]["cron"] == "0 7 * * *"
    _, text, _ = floe("show", shop, "--env", "prod")
    assert "prod (chosen)" in text
    assert "schedule of shop: 0 7 * * * in UTC" in text
    [row] = told("schedule", "list", shop, "--env", "prod")
    assert row["cron"] == "0 7 * * *"


def test_a_plan_is_for_the_environment_that_is_asked_for(shop: Path) -> None:
    assert told("run", shop, "--reuse", "--env", "prod")["status"] == "success"
    assert told("plan", shop, "--env", "prod")["reused"] == 1
    assert told("plan", shop)["reused"] == 0


def test_a_schedule_that_is_reset_is_that_of_the_environment(shop: Path) -> None:
    assert floe("compile", shop)[0] == 0
    assert told("schedule", "set", shop, "--cron", "0 8 * * *", "--env", "prod")["cron"] == (
        "0 8 * * *"
    )
    assert told("schedule", "unset", shop, "--reset", "--env", "prod")["cron"] == "0 7 * * *"
    paused = told("schedule", "pause", shop, "--env", "prod")
    assert (paused["cron"], paused["enabled"]) == ("0 7 * * *", False)
    resumed = told("schedule", "resume", shop, "--env", "prod")
    assert (resumed["cron"], resumed["enabled"]) == ("0 7 * * *", True)


def test_what_is_explained_and_checked_is_in_the_environment_that_is_asked_for(shop: Path) -> None:
    assert floe("compile", shop)[0] == 0
    concepts = {each["name"]: each for each in told("explain", shop, "--env", "prod")["concepts"]}
    assert concepts["schedule"]["here"] == "0 7 * * * in UTC"
    assert told("alerts", "check", shop, "--env", "prod") == {"killed": 0, "jobs": []}
    code, _, errors = floe("alerts", "check", shop, "--env", "prd")
    assert (code, "has no environment 'prd'" in errors) == (2, True)


def test_lineage_finds_the_tables_of_the_environment_that_is_asked_for(shop: Path) -> None:
    (shop / "models" / "second.sql").write_text("select word from {{ ref('first') }}")
    assert told("run", shop, "--env", "prod")["status"] == "success"
    tables = told("lineage", "show", shop, "--env", "prod")["tables"]
    [word] = next(each["columns"] for each in tables if each["label"] == "second")
    assert word["from"] == [{"id": "model.shop.first", "column": "word", "steps": []}]


def test_an_environment_that_is_not_there_is_a_wrong_call(shop: Path) -> None:
    assert floe("compile", shop)[0] == 0
    code, _, errors = floe("show", shop, "--env", "prd")
    assert code == 2
    assert "shop has no environment 'prd'; did you mean 'prod'? it has prod" in " ".join(
        errors.split()
    )


@pytest.mark.parametrize("orchestrator", ["dagster", "airflow"])
def test_helm_values_put_pods_into_the_environment_with_its_sizes(
    orchestrator: str, shop: Path
) -> None:
    words = ("helm", "values", shop, "--on", orchestrator)
    code, values, errors = floe(*words, "--env", "prod")
    assert code == 0, errors
    assert "extraEnv:" in values
    assert "name: FLOE_ENV\n" in values
    assert "value: prod\n" in values
    assert 'cpu: "2"' in values or "cpu: '2'" in values
    assert "FLOE_ENV" not in floe(*words)[1]
