"""What plain dbt does with a project, a build does: hooks, selectors, vars, injected nodes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from dbt.plugins import manager as dbt_plugins
from plain_shop import FLOE
from warm_floe import dbt

from floe_core.compiler import compile_product
from floe_core.execution import BuildEnded, BuildEvent, BuildRequest, NodeLog, NodeResult, build
from floe_core.foundation.errors import InvalidProductError
from floe_core.runs.run_parameters import RunParameters
from floe_core.schemas import CompiledArtifacts

WriteProduct = Callable[..., Path]

DBT_PROJECT = "name: shop\nversion: 1.0.0\nprofile: shop\n"
SELECTORS = """\
selectors:
  - name: nightly
    default: true
    definition: {method: fqn, value: second}
"""
TABLE = "{{ config(materialized='table') }}\n"


def run(folder: Path, **request: object) -> list[BuildEvent]:
    compile_product(folder)
    asked = BuildRequest(**{"job": "shop", "run_id": "r", **request})  # type: ignore[arg-type]
    return list(build(CompiledArtifacts.load(folder), asked))


def statuses(events: list[BuildEvent]) -> dict[str, str]:
    return {e.unique_id.split(".")[2]: e.status for e in events if isinstance(e, NodeResult)}


def plain_dbt(folder: Path, *arguments: str) -> tuple[int, dict[str, str]]:
    """Run `dbt build` in a compiled folder: its exit code, and model name -> status."""
    command = ["-q", "build", "--target-path", "plain", *arguments]
    done = dbt(*command, cwd=folder, check=False)
    results = json.loads((folder / "plain" / "run_results.json").read_text())["results"]
    named = {r["unique_id"]: r["status"] for r in results}
    return done.returncode, {
        unique_id.split(".")[2]: status
        for unique_id, status in named.items()
        if not unique_id.startswith("operation.")
    }


@pytest.mark.parametrize("moment", ["on-run-start", "on-run-end"])
def test_a_failing_hook_is_told_with_its_error(write_product: WriteProduct, moment: str) -> None:
    project = DBT_PROJECT + f'{moment}: ["select no_such_function()"]\n'
    folder = write_product(dbt_project=project, first=TABLE + "select 1 as id")
    events = run(folder)
    assert (1, statuses(events)) == plain_dbt(folder)
    end = events[-1]
    assert isinstance(end, BuildEnded)
    assert not end.succeeded
    assert end.message.startswith("every node passed, but dbt failed\n")
    assert f"shop.{moment}.0 failed, error:" in end.message
    assert "no_such_function does not exist" in end.message
    # Of the run, not of a node that no orchestrator knows.
    told = [e for e in events if isinstance(e, NodeLog) and "no_such_function" in e.text]
    assert {e.unique_id for e in told} == {""}


def test_flags_of_the_project_hide_nothing_that_floe_reads(write_product: WriteProduct) -> None:
    flags = "flags: {write_json: false, log_level: error, quiet: true, log_format: json}\n"
    folder = write_product(dbt_project=DBT_PROJECT + flags, first=TABLE + "select 1 as id")
    assert statuses(run(folder)) == {"first": "success"}


def test_a_failing_ephemeral_model_is_told_with_its_error(write_product: WriteProduct) -> None:
    broken = (
        "{{ config(materialized='ephemeral') }} select {% if execute %}{{ nothing() }}{% endif %} 1"
    )
    folder = write_product(broken=broken, after=TABLE + "select * from {{ ref('broken') }}")
    events = run(folder)
    assert statuses(events) == {"after": "skipped"}
    assert plain_dbt(folder) == (1, {"after": "skipped"})
    told = [e.text for e in events if isinstance(e, NodeLog) and e.level == "error"]
    assert any("'nothing' is undefined" in text for text in told)


def test_a_default_selector_narrows_the_product_as_it_narrows_dbt_build(
    write_product: WriteProduct,
) -> None:
    floe = FLOE + "jobs:\n  - {name: all_of_it, select: '*'}\n  - {name: but_one, exclude: first}\n"
    folder = write_product(
        floe=floe, first=TABLE + "select 1 as id", second=TABLE + "select 2 as id"
    )
    (folder / "selectors.yml").write_text(SELECTORS)
    events = run(folder)
    assert (statuses(events), events[-1]) == ({"second": "success"}, BuildEnded(True))
    assert plain_dbt(folder) == (0, {"second": "success"})
    both = {"first": "success", "second": "success"}
    assert statuses(run(folder, job="all_of_it", run_id="s")) == both
    assert plain_dbt(folder, "--select", "*") == (0, both)
    assert statuses(run(folder, job="but_one", run_id="t")) == {"second": "success"}


def test_a_default_selector_takes_exposures_into_dbts_results(write_product: WriteProduct) -> None:
    folder = write_product(first=TABLE + "select 1 as id", second=TABLE + "select 2 as id")
    (folder / "selectors.yml").write_text(
        "selectors: [{name: nightly, default: true, definition: {union: ["
        "{method: fqn, value: second}, {method: exposure, value: dash}]}}]\n"
    )
    (folder / "models" / "dash.yml").write_text(
        "exposures: [{name: dash, type: dashboard, owner: {email: a@b.c}, "
        "depends_on: [ref('second')]}]\n"
    )
    assert statuses(run(folder)) == {"second": "success"}
    results = json.loads((folder / ".floe/runs/r/attempt-1/run_results.json").read_text())
    named = {each["unique_id"].split(".")[2]: each["status"] for each in results["results"]}
    assert (0, named) == plain_dbt(folder)
    assert named.keys() == {"second", "dash"}


def test_vars_of_the_product_the_job_and_the_run_reach_dbt_the_nearest_wins(
    write_product: WriteProduct,
) -> None:
    floe = (
        FLOE
        + "vars: {colour: blue, size: 1}\njobs:\n  - {name: red, select: '*', vars: {colour: red}}\n"
    )
    model = TABLE + "select '{{ var('colour') }}' as colour, {{ var('size') }} as size"
    folder = write_product(floe=floe, first=model)

    def told(run_id: str, **request: object) -> tuple[object, ...] | None:
        events = run(folder, run_id=run_id, **request)
        assert events[-1] == BuildEnded(True)
        with duckdb.connect(str(folder / "shop.duckdb"), read_only=True) as connection:
            return connection.execute("select colour, size from first").fetchone()

    assert told("1") == ("blue", 1)
    assert told("2", job="red") == ("red", 1)
    assert told("3", job="red", parameters=RunParameters(vars={"size": 5})) == ("red", 5)


def test_vars_of_a_job_that_change_the_graph_are_refused(write_product: WriteProduct) -> None:
    floe = FLOE + "vars: {on: true}\njobs:\n  - {name: less, select: '*', vars: {on: false}}\n"
    folder = write_product(
        floe=floe,
        first="select 1 as id",
        second="{{ config(enabled=var('on')) }} select 1 as id",
    )
    with pytest.raises(InvalidProductError) as caught:
        compile_product(folder)
    assert (
        "job 'less': its vars change the graph, which all jobs of a product share: "
        "model.shop.second"
    ) in str(caught.value)


LOOM = '''
from dbt.plugins import dbtPlugin, dbt_hook
from dbt.plugins.manifest import ModelNodeArgs, PluginNodes


class Loom(dbtPlugin):
    """Injects a model of another project, as dbt-loom does."""

    @dbt_hook
    def get_nodes(self):
        nodes = PluginNodes()
        nodes.add_model(
            ModelNodeArgs(
                name="dim_customers", package_name="customers", identifier="dim_customers",
                schema="theirs", database="shop", relation_name='"shop"."theirs"."dim_customers"',
            )
        )
        return nodes


plugins = [Loom]
'''


def test_a_model_that_a_dbt_plugin_injects_is_read_and_not_built(
    write_product: WriteProduct, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "dbt_of_a_test.py").write_text(LOOM)
    monkeypatch.syspath_prepend(str(site))
    # What tests have dbt keep is the list of its plugins, too.
    monkeypatch.setattr(dbt_plugins, "_MODULES_CACHE", None)
    model = TABLE + "select * from {{ ref('customers', 'dim_customers') }}"
    folder = write_product(first=model)
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        connection.execute(
            "create schema theirs; create table theirs.dim_customers as select 7 as id"
        )
    events = run(folder)
    assert (statuses(events), events[-1]) == ({"first": "success"}, BuildEnded(True))
    artifacts = CompiledArtifacts.load(folder)
    injected = artifacts.by_id["model.customers.dim_customers"]
    assert (injected.resource_type, injected.schema_name) == ("source", "theirs")
    assert artifacts.by_id["model.shop.first"].depends_on == ("model.customers.dim_customers",)


def test_a_function_is_built_where_it_is_selected(write_product: WriteProduct) -> None:
    floe = FLOE + "jobs:\n  - {name: calling, select: '+calls'}\n"
    folder = write_product(floe=floe, calls=TABLE + "select {{ function('twice') }}(1) as id")
    (folder / "functions").mkdir()
    (folder / "functions/twice.sql").write_text("x * 2")
    (folder / "functions/schema.yml").write_text(
        "functions:\n  - name: twice\n    arguments: [{name: x, data_type: integer}]\n"
        "    returns: {data_type: integer}\n"
    )
    (folder / "macros").mkdir()
    (folder / "macros/scalar.sql").write_text(
        "{% macro duckdb__scalar_function_sql(target_relation) %}"
        "create or replace macro {{ target_relation }}(x) as ({{ model.compiled_code }});"
        "{% endmacro %}"
    )
    both = {"twice": "success", "calls": "success"}
    assert statuses(run(folder, job="calling")) == both
    chosen = RunParameters(select="+calls")
    assert statuses(run(folder, run_id="s", parameters=chosen)) == both
    assert plain_dbt(folder, "--select", "+calls") == (0, both)
