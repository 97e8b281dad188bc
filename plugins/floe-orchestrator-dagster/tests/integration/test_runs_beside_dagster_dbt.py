"""A run shows what a run of dagster-dbt shows: materializations, checks and observations."""

from __future__ import annotations

import contextlib
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtCliResource,
    dbt_assets,
)
from embedded_product import EmbeddedProduct

from floe_core.execution import NodeStarted, read_events
from floe_orchestrator_dagster import floe_assets, load_product_definitions

FILES = {
    "seeds/people.csv": "id,name\n1,Ada\n2,Bo\n",
    "models/schema.yml": """\
sources:
  - name: erp
    schema: main
    tables: [{name: raw, columns: [{name: id, data_tests: [not_null]}]}]
models:
  - name: names
    columns: [{name: id, data_tests: [unique, not_null]}, {name: name, description: Theirs.}]
  - name: grown
    columns: [{name: id, data_tests: [{unique: {config: {severity: warn}}}]}]
unit_tests:
  - {name: ada, model: names, given: [{input: ref('people'), rows: [{id: 1, name: a}]}], expect: {rows: [{id: 1, name: A}]}}
""",
    "models/names.sql": "select id, upper(name) as name from {{ ref('people') }}",
    "models/seen.sql": "{{ config(materialized='view') }} select n.*, r.id as raw_id "
    "from {{ ref('names') }} n join {{ source('erp', 'raw') }} r using (id)",
    "models/grown.sql": "{{ config(materialized='incremental', tags=['late']) }} "
    "select id, count(*) as n, 1.50::decimal(9, 2) as price from {{ ref('seen') }} group by id",
    "snapshots/kept.sql": """\
{% snapshot kept %}{{ config(unique_key='id', strategy='check', check_cols='all', target_schema='s') }}
select * from {{ ref('names') }}{% endsnapshot %}
""",
    "tests/two.sql": "select 1 from {{ ref('names') }}, {{ ref('seen') }} where false",
}
CHANGING = {"Execution Duration", "invocation_id"}
TRANSLATORS = {
    "checks": DagsterDbtTranslator,
    "no checks": lambda: DagsterDbtTranslator(
        DagsterDbtTranslatorSettings(enable_asset_checks=False)
    ),
    "sources too": lambda: DagsterDbtTranslator(
        DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True)
    ),
}


def fill_source(folder: Path) -> None:
    with duckdb.connect(str(folder / "web_shop.duckdb")) as warehouse:
        warehouse.execute("create or replace table raw as select 1 as id union all select 2")


@pytest.fixture(autouse=True)
def private(monkeypatch):
    """Let the dbt of dagster-dbt report nothing."""
    monkeypatch.setenv("DBT_SEND_ANONYMOUS_USAGE_STATS", "False")


@pytest.fixture
def shop(compiled):
    artifacts = compiled(FILES)
    fill_source(artifacts.project_dir)
    return artifacts


@pytest.fixture
def copy(shop, tmp_path):
    """Return a copy of the product's folder for dagster-dbt, with a warehouse of its own."""
    folder = tmp_path / "copy"
    shutil.copytree(shop.project_dir, folder)
    fill_source(folder)
    return folder


def of_dagster_dbt(folder, translator):
    manifest = folder / "target" / "manifest.json"

    @dbt_assets(manifest=manifest, dagster_dbt_translator=translator, name="oracle")
    def oracle(context, dbt: DbtCliResource):
        stream = dbt.cli(["build"], context=context).stream()
        yield from stream.fetch_row_counts().fetch_column_metadata()

    return oracle


def run_oracle(folder, assets, instance, **more):
    executable = str(Path(sys.executable).parent / "dbt")
    dbt = DbtCliResource(str(folder), profiles_dir=str(folder), dbt_executable=executable)
    # It changes the folder in several threads, and may not change it back.
    with contextlib.chdir(Path.cwd()):
        return dg.materialize([assets], resources={"dbt": dbt}, instance=instance, **more)


def told(result):
    """Return what a run's events show: the key of an asset or a check -> its metadata."""
    shown = {}
    for event in result.all_events:
        kind, data = event.event_type_value, event.event_specific_data
        if kind == "ASSET_MATERIALIZATION":
            shown[kind, event.asset_key] = known(data.materialization.metadata)
        elif kind == "ASSET_CHECK_EVALUATION":
            found = (data.passed, data.severity, known(data.metadata))
            shown[kind, data.asset_key, data.check_name] = found
        elif kind == "ASSET_OBSERVATION":
            observed = known(data.asset_observation.metadata)
            shown[kind, event.asset_key, observed["unique_id"].value] = observed
    return shown


def known(metadata):
    """Return metadata with the values that differ from run to run left empty, lineage sorted."""
    found = {name: None if name in CHANGING else value for name, value in metadata.items()}
    lineage = found.get("dagster/column_lineage")
    if lineage is not None:
        found["dagster/column_lineage"] = {
            column: sorted((dep.asset_key.path, dep.column_name) for dep in deps)
            for column, deps in lineage.value.deps_by_column.items()
        }
    return found


@pytest.mark.parametrize("name", TRANSLATORS)
def test_two_runs_tell_what_two_runs_of_dagster_dbt_tell(shop, copy, name):
    translator = TRANSLATORS[name]()
    own = floe_assets(shop.project_dir, translator=translator, columns="lineage")
    oracle = of_dagster_dbt(copy, translator)
    with dg.DagsterInstance.ephemeral() as one, dg.DagsterInstance.ephemeral() as other:
        for _ in range(2 if name == "checks" else 1):
            shown = told(dg.materialize([own], instance=one))
            expected = told(run_oracle(copy, oracle, other))
            # dagster-dbt says nothing of unit tests.
            shown = {key: value for key, value in shown.items() if "unit_test" not in str(key[-1])}
            assert shown == expected
            assert len(expected) > 8


def test_a_test_that_is_no_check_fails_the_run_as_with_dagster_dbt(shop, copy):
    for folder in (shop.project_dir, copy):
        with duckdb.connect(str(folder / "web_shop.duckdb")) as warehouse:
            warehouse.execute("insert into raw values (null)")
    translator = DagsterDbtTranslator()
    own = floe_assets(shop.project_dir, translator=translator)
    with dg.DagsterInstance.ephemeral() as one, dg.DagsterInstance.ephemeral() as other:
        result = dg.materialize([own], instance=one, raise_on_error=False)
        expected = run_oracle(copy, of_dagster_dbt(copy, translator), other, raise_on_error=False)
    assert (result.success, expected.success) == (False, False)
    [failure] = [e for e in result.all_events if e.event_type_value == "STEP_FAILURE"]
    assert "test.shop.source_not_null_erp_raw_id" in str(failure.step_failure_data)


def test_a_check_of_column_changes_passes_from_the_second_run_on(shop):
    own = floe_assets(shop.project_dir)
    changes = dg.build_column_schema_change_checks(assets=[dg.AssetKey("names")])
    with dg.DagsterInstance.ephemeral() as instance:
        passed = [evaluations(dg.materialize([own, *changes], instance=instance)) for _ in range(3)]
    # The first run has nothing to compare with.
    assert passed[1:] == [{"column_schema_change": True}] * 2


def evaluations(result):
    """Return check -> whether it passed, of the checks of schemas."""
    found = {each.check_name: each.passed for each in result.get_asset_check_evaluations()}
    return {name: passed for name, passed in found.items() if name == "column_schema_change"}


def test_no_columns_are_asked_for_if_a_team_wants_none(shop):
    own = floe_assets(shop.project_dir, columns="off")
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([own], instance=instance)
    shown = {key[1].to_user_string(): found for key, found in told(result).items() if len(key) == 2}
    assert "dagster/column_schema" not in shown["names"]
    # dbt itself counts the rows of a seed.
    assert shown["people"]["dagster/row_count"].value == 2


def test_sets_of_one_product_are_steps_of_one_run_each_with_its_own_retries(shop):
    policy = dg.RetryPolicy(max_retries=2)
    early = floe_assets(
        shop.project_dir,
        translator=DagsterDbtTranslator(),
        exclude="tag:late",
        name="early",
        op_tags={"team": "data"},
        retry_policy=policy,
    )
    late = floe_assets(
        shop.project_dir, translator=DagsterDbtTranslator(), select="tag:late", name="late"
    )
    assert (early.op.name, late.op.name) == ("early", "late")
    assert (early.op.tags["team"], early.op.retry_policy, late.op.retry_policy) == (
        "data",
        policy,
        None,
    )
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([early, late], instance=instance)
        built = [e.asset_key.to_user_string() for e in result.get_asset_materialization_events()]
    assert result.success
    assert set(built) == {"people", "names", "seen", "kept", "grown"}
    assert built[-1] == "grown"
    started = {
        name: {
            event.unique_id
            for event in read_events(shop.project_dir, f"{result.run_id}.{name}")
            if isinstance(event, NodeStarted)
        }
        for name in ("early", "late")
    }
    assert {each.split(".")[2] for each in started["late"]} == {"grown", "unique_grown_id"}
    assert not started["early"] & started["late"]


def test_helpers_work_though_dagster_dbt_is_imported_after_the_assets(shop):
    code = f"""
import sys
from floe_orchestrator_dagster import floe_assets
assets = floe_assets({str(shop.project_dir)!r})
import dagster as dg
dg.Definitions(assets=[assets]).get_repository_def().load_all_definitions()
assert "dagster_dbt" not in sys.modules and "dbt" not in sys.modules
from dagster_dbt import get_asset_key_for_model, build_dbt_asset_selection
print(get_asset_key_for_model([assets], "names").to_user_string())
print(sorted(k.to_user_string() for k in build_dbt_asset_selection([assets], "names+").resolve([assets])))
"""
    assert printed(code) == "names\n['grown', 'kept', 'names', 'seen']\n"


def test_without_dagster_dbt_there_is_no_metadata_for_it(shop):
    code = f"""
import sys
sys.modules["dagster_dbt"] = None
from floe_orchestrator_dagster import floe_assets
assets = floe_assets({str(shop.project_dir)!r})
print([name for spec in assets.specs for name in spec.metadata if name.startswith("dagster_dbt/")])
print({{name for name in assets.op.tags if name.startswith("dagster_dbt/")}})
"""
    assert printed(code) == "[]\nset()\n"


def printed(code: str) -> str:
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_asset_that_reads_its_own_yesterday_runs_a_partition(compiled):
    class Daily(DagsterDbtTranslator):
        def get_partitions_def(self, props):
            return dg.DailyPartitionsDefinition(start_date="2026-01-01")

        def get_partition_mapping(self, props, parent):
            mapping = dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)
            return mapping if props == parent else None

    meta = "{{ config(meta={'dagster': {'has_self_dependency': true}}) }}"
    shop = compiled({"models/day.sql": f"{meta} select '{{{{ var('floe_range_start') }}}}' as day"})
    own = floe_assets(shop.project_dir, translator=Daily())
    with dg.DagsterInstance.ephemeral() as instance:
        assert dg.materialize([own], instance=instance, partition_key="2026-01-02").success
    with duckdb.connect(str(shop.project_dir / "web_shop.duckdb")) as warehouse:
        assert warehouse.sql("select day from day").fetchall() == [("2026-01-02T00:00:00+00:00",)]


def test_the_freshness_of_a_source_is_an_observation_that_dagsters_checks_read(compiled):
    sources = """\
sources:
  - name: erp
    schema: main
    tables:
      - name: raw
        config: {loaded_at_field: loaded, freshness: {warn_after: {count: 10, period: day}}}
"""
    files = {
        "models/sources.yml": sources,
        "models/ids.sql": "select id from {{ source('erp', 'raw') }}",
    }
    shop = compiled(files, floe="execution: {freshness: report}\n")
    with duckdb.connect(str(shop.project_dir / "web_shop.duckdb")) as warehouse:
        warehouse.execute(
            "create table raw as select 1 as id, timestamp '2026-01-02 03:04:05' as loaded"
        )
    with dg.DagsterInstance.ephemeral() as instance:
        job = load_product_definitions("web-shop", shop.project_dir).resolve_job_def("web_shop")
        result = job.execute_in_process(instance=instance)
        [seen] = [e for e in result.all_events if e.event_type_value == "ASSET_OBSERVATION"]
    observed = seen.event_specific_data.asset_observation
    assert observed.asset_key == dg.AssetKey(["erp", "raw"])
    assert observed.metadata["dagster/last_updated_timestamp"].value == 1767323045.0


def test_a_loaded_product_takes_a_translator(shop):
    class Prefixed(DagsterDbtTranslator):
        def get_asset_key(self, props):
            return super().get_asset_key(props).with_prefix("lake")

    definitions = load_product_definitions("web-shop", shop.project_dir, translator=Prefixed())
    with dg.DagsterInstance.ephemeral() as instance:
        job = definitions.resolve_job_def("web_shop")
        result = job.execute_in_process(instance=instance)
    built = {e.asset_key.to_user_string() for e in result.get_asset_materialization_events()}
    assert built == {"lake/people", "lake/names", "lake/seen", "lake/kept", "lake/grown"}


def test_the_sets_of_the_page_are_built_as_it_says(tmp_path):
    project = EmbeddedProduct(tmp_path, "dagster")
    with duckdb.connect(str(project.warehouse)) as warehouse:
        warehouse.execute("create schema raw; create schema ml")
        warehouse.execute("create table raw.orders as select 1 as id, 2 as cents")
        warehouse.execute("create table ml.scores as select 1 as id, true as is_large")
    page = runpy.run_path(str(tmp_path / "translated.py"))
    groups = {
        spec.key.to_user_string(): spec.group_name
        for name in ("staging", "marts")
        for spec in page[name].specs
    }
    assert groups == {"lake/stg_orders": "staging", "lake/order_totals": "marts"}
    with dg.DagsterInstance.ephemeral() as instance:
        sets = [page["staging"], page["marts"], page["report"]]
        result = dg.materialize(sets, instance=instance)
        built = [e.asset_key.to_user_string() for e in result.get_asset_materialization_events()]
        assert built == ["lake/stg_orders", "lake/order_totals", "report"]
        job = page["defs"].resolve_job_def("marts_nightly")
        nightly = job.execute_in_process(instance=instance)
    again = [e.asset_key.to_user_string() for e in nightly.get_asset_materialization_events()]
    assert again == ["lake/order_totals"]
