"""One compiled folder runs in each environment as plain dbt does with that target and those vars."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from warm_floe import dbt

from floe_core.compiler import compile_product
from floe_core.execution import BuildEnded, BuildRequest, NodeResult, build
from floe_core.foundation.errors import InvalidProductError, UsageError
from floe_core.schemas import CompiledArtifacts

FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: shop, version: 1.0.0}
platform: {manifest: manifest.yaml}
vars: {word: base, region: none}
schedule: {cron: "0 6 * * *", timezone: UTC}
jobs:
  - {name: hourly, select: "tag:hourly", schedule: {cron: "0 * * * *", timezone: UTC}}
"""
MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: plain}
"""
COMPUTE = "  compute: {type: duckdb, config: {schema: base}}\n"
ENVIRONMENTS = """\
environments:
  dev:
    compute: {schema: dev_schema}
    schedules: {enabled: false}
    vars: {word: dev}
  prod:
    compute: {schema: prod_schema, path: "prod.duckdb"}
    target: production
    threads: 3
    vars: {word: prod}
    lineage: {namespace: floe-prod}
    schedules: {jobs: {shop.hourly: {cron: "30 * * * *"}, other.job: {cron: "@daily"}}}
    resource_presets:
      small: {cpu_request: "1", cpu_limit: "2", memory_request: 1Gi, memory_limit: 2Gi}
  quiet: {schedules: {enabled: false}}
"""
MODELS = {
    "first": (
        "{{ config(materialized='view' if target.name == 'dev' else 'table', tags=['hourly']) }} "
        "select '{{ target.name }}' as target, '{{ var('word') }}' as word, "
        "'{{ var('region') }}' as region"
    ),
    "second": "{{ config(schema='marts') }} select * from {{ ref('first') }}",
}


def write(folder: Path, manifest: str, models: dict[str, str] | None = None) -> Path:
    (folder / "models").mkdir(parents=True)
    texts = {
        "floe.yaml": FLOE,
        "manifest.yaml": manifest,
        "dbt_project.yml": "name: shop\nversion: 1.0.0\nprofile: shop\n",
        **{f"models/{name}.sql": sql for name, sql in (models or MODELS).items()},
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = write(tmp_path / "shop", MANIFEST + COMPUTE + ENVIRONMENTS)
    compile_product(folder)
    return folder


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda name: monkeypatch.setenv("FLOE_ENV", name)


def built(folder: Path, run_id: str, job: str = "shop") -> dict[str, str]:
    events = list(build(CompiledArtifacts.load(folder), BuildRequest(job, run_id)))
    assert events[-1] == BuildEnded(True)
    return {e.unique_id: e.status for e in events if isinstance(e, NodeResult)}


def tables(file: Path) -> dict[str, Any]:
    """Return schema.table -> its kind and rows."""
    with duckdb.connect(str(file), read_only=True) as warehouse:
        found = warehouse.execute(
            "select table_schema, table_name, table_type from information_schema.tables"
        ).fetchall()
        return {
            f"{schema}.{name}": (kind, warehouse.execute(f"from {schema}.{name}").fetchall())
            for schema, name, kind in found
        }


def plain_dbt(folder: Path, target: str, word: str) -> dict[str, str]:
    flags = ["--target-path", "plain", "--target", target, "--profiles-dir", "."]
    flags += ["--vars", json.dumps({"word": word, "region": "none"})]
    command = ["-q", "build", "--no-partial-parse", *flags]
    dbt(*command, cwd=folder, FLOE_PROJECT_DIR=str(folder))
    results = json.loads((folder / "plain" / "run_results.json").read_text())["results"]
    return {result["unique_id"]: result["status"] for result in results}


@pytest.mark.parametrize(
    ("environment", "target", "word", "file"),
    [
        ("", "default", "base", "shop.duckdb"),
        ("dev", "dev", "dev", "shop.duckdb"),
        ("prod", "production", "prod", "prod.duckdb"),
    ],
)
def test_a_folder_runs_in_each_environment_as_dbt_does(
    environment: str, target: str, word: str, file: str, shop: Path, use: Any
) -> None:
    use(environment)
    artifacts = CompiledArtifacts.load(shop)
    ours = built(shop, "r")
    of_ours = tables(shop / file)
    (shop / file).unlink()
    assert ours == plain_dbt(shop, target, word)
    assert of_ours == tables(shop / file)
    # What lineage and the pages of the orchestrators name is what is there.
    named = {f"{n.schema_name}.{n.identifier}": n.materialization for n in artifacts.runnable}
    kinds = {"BASE TABLE": "table", "VIEW": "view"}
    assert named == {name: kinds[kind] for name, (kind, _) in of_ours.items()}


def test_the_values_of_an_environment_are_in_the_loaded_artifacts(shop: Path, use: Any) -> None:
    use("prod")
    prod = CompiledArtifacts.load(shop)
    assert (prod.environment, prod.dbt.target_name, prod.execution.max_parallel) == (
        "prod",
        "production",
        3,
    )
    assert prod.lineage.namespace == "floe-prod"
    assert prod.resources["small"].cpu_limit == "2"
    assert prod.orchestrator.config["resource_presets"]["small"]["cpu_limit"] == "2"
    crons = {job.name: job.schedule and job.schedule.cron for job in prod.jobs}
    assert crons == {"shop": "0 6 * * *", "hourly": "30 * * * *"}
    for quiet in ("dev", "quiet"):
        use(quiet)
        jobs = CompiledArtifacts.load(shop).jobs
        assert [job.schedule and job.schedule.enabled for job in jobs] == [False, False]
    use("")
    assert CompiledArtifacts.load(shop).environment == ""


def test_an_environment_makes_no_other_bytes_of_the_folder(shop: Path, use: Any) -> None:
    before = (shop / "compiled_artifacts.json").read_bytes()
    use("prod")
    assert compile_product(shop).environment == "prod"
    assert (shop / "compiled_artifacts.json").read_bytes() == before


def test_a_copy_serves_the_environments_and_brings_no_warehouse(
    shop: Path, tmp_path: Path, use: Any
) -> None:
    use("prod")
    built(shop, "r")
    assert (shop / "prod.duckdb").exists()
    copy = tmp_path / "copy"
    compile_product(shop, out=copy)
    assert not list(copy.glob("*.duckdb"))
    assert (copy / "target" / "partial_parse.env.prod.msgpack").exists()
    built(copy, "r")
    assert (copy / "prod.duckdb").exists()


def test_an_unknown_environment_is_told_with_the_nearest(shop: Path, use: Any) -> None:
    use("prd")
    with pytest.raises(UsageError) as caught:
        CompiledArtifacts.load(shop)
    assert str(caught.value) == (
        "FLOE_ENV: shop has no environment 'prd'; did you mean 'prod'? it has dev, prod, quiet"
    )


def problems(folder: Path) -> str:
    with pytest.raises(InvalidProductError) as caught:
        compile_product(folder)
    return str(caught.value)


def test_an_environment_that_changes_the_graph_is_refused(tmp_path: Path) -> None:
    models = {
        "first": "{{ config(enabled=target.name != 'dev') }} select 1 as id",
        "second": "{{ config(tags=['hourly']) }} select '{{ target.name }}' as id",
    }
    told = problems(write(tmp_path / "shop", MANIFEST + COMPUTE + ENVIRONMENTS, models))
    assert told.startswith(
        "manifest.yaml:8:3: environment 'dev': changes the graph, which is the same in every "
        "environment: model.shop.first\n"
    )
    assert "prod" not in told


def test_an_environment_in_which_a_job_takes_other_nodes_is_refused(tmp_path: Path) -> None:
    models = {
        "first": "{{ config(tags=['hourly']) }} select 1 as id",
        "second": "{{ config(tags=['hourly'] if target.name == 'dev' else []) }} select 2 as id",
    }
    told = problems(write(tmp_path / "shop", MANIFEST + COMPUTE + ENVIRONMENTS, models))
    assert told.startswith(
        "manifest.yaml:8:3: environment 'dev': the selection of job 'hourly' takes other nodes\n"
    )


def test_what_is_wrong_with_environments_is_told_all_at_once(tmp_path: Path) -> None:
    environments = """\
environments:
  dev: {schedules: {jobs: {shop.hurly: {enabled: false}}}}
  odd: {schedules: {jobs: {shop: {cron: "61 * * * *"}}}}
  one: {target: same, compute: {schema: a}}
  two: {target: same, compute: {schema: b}}
"""
    told = problems(write(tmp_path / "shop", MANIFEST + COMPUTE + environments))
    assert [line for line in told.splitlines() if line.startswith("manifest.yaml")] == [
        "manifest.yaml:8:28: shop has no job 'hurly'",
        "manifest.yaml:9:41: cron expression '61 * * * *': minute '61' is out of range; write a "
        "number from 0 to 59",
        "manifest.yaml:11:3: environment 'two': another environment has other settings for dbt's "
        "target 'same'",
    ]
    assert "did you mean 'hourly'?" in told


def test_a_misspelt_key_of_an_environment_is_told_with_the_nearest(tmp_path: Path) -> None:
    told = problems(write(tmp_path / "shop", MANIFEST + "environments: {dev: {tarjet: dev}}\n"))
    assert "manifest.yaml:6:22: unknown key 'tarjet'\n" in told
    assert "did you mean 'target'?" in told


PROFILES = """\
shop:
  target: dev
  outputs:
    dev: {type: duckdb, path: dev.duckdb}
    prod: {type: duckdb, path: "{{ env_var('PROD_FILE') }}"}
"""


def test_an_environment_takes_a_target_of_the_products_own_profile(
    tmp_path: Path, use: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(tmp_path / "shop", MANIFEST + "environments: {prod: {target: prod}}\n")
    (folder / "profiles.yml").write_text(PROFILES)
    monkeypatch.setenv("PROD_FILE", str(folder / "real.duckdb"))
    compile_product(folder)
    assert "real.duckdb" not in (folder / "compiled_artifacts.json").read_text()
    use("prod")
    assert built(folder, "r") == {"model.shop.first": "success", "model.shop.second": "success"}
    assert (folder / "real.duckdb").exists()
    (folder / "manifest.yaml").write_text(MANIFEST + "environments: {prod: {target: prd}}\n")
    told = problems(folder)
    assert told.startswith(
        "manifest.yaml:6:16: environment 'prod': the profile 'shop' of profiles.yml has no target "
        "'prd'\n"
    )
    assert "did you mean 'prod'? it has dev, prod" in told


def test_settings_that_are_nested_as_in_plugins_are_refused(tmp_path: Path) -> None:
    """They would be a setting `config` that no adapter knows, and dev would write to production."""
    environments = "environments: {dev: {compute: {config: {schema: dev}}}}\n"
    told = problems(write(tmp_path / "shop", MANIFEST + COMPUTE + environments))
    assert "environment 'dev': `compute` of an environment takes no `config`" in told
    assert "fix: write the settings themselves under it, such as `compute: {schema: dev}`" in told


def test_a_literal_secret_of_an_environment_is_refused(tmp_path: Path) -> None:
    environments = 'environments: {dev: {compute: {password: "hunter2-hunter2"}}}\n'
    told = problems(write(tmp_path / "shop", MANIFEST + COMPUTE + environments))
    assert "environments.dev.compute.password: a literal secret" in told
    assert "hunter2" not in told
