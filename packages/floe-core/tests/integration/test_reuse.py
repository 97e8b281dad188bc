"""Builds that reuse, on real dbt and a real DuckDB file."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import duckdb
import pytest
from reusing_product import FLOE

from floe_core.compiler import compile_product
from floe_core.dbt import preloaded_manifest
from floe_core.dbt.compiled_code import codes_in
from floe_core.dbt.internals import read_manifest
from floe_core.execution import (
    BuildEnded,
    BuildEvent,
    BuildRequest,
    NodeLog,
    NodeResult,
    build,
)
from floe_core.execution.plan_of_run import plan_run
from floe_core.schemas import CompiledArtifacts

WriteProduct = Callable[..., Path]

TABLE = "{{ config(materialized='table') }}\n"
FIRST = TABLE + "select 1 as id, 2 as amount"
READS_ID = TABLE + "select id from {{ ref('first') }}"
READS_BOTH = TABLE + "select id, amount from {{ ref('first') }}"
STATE = Path(".floe") / "reuse.json"


def product(write_product: WriteProduct, **models: str) -> Path:
    given = {"first": FIRST, "reads_id": READS_ID, "reads_both": READS_BOTH, **models}
    return write_product(floe=FLOE, **given)


def events(folder: Path, run_id: str, *, reuse: bool | None = None) -> list[BuildEvent]:
    compile_product(folder, reuse=reuse)
    return list(build(CompiledArtifacts.load(folder), BuildRequest(job="shop", run_id=run_id)))


def ends(folder: Path, run_id: str, *, reuse: bool | None = None) -> dict[str, str]:
    """Build, and return node name -> status."""
    found = (e for e in events(folder, run_id, reuse=reuse) if isinstance(e, NodeResult))
    return {each.unique_id.split(".")[2]: each.status for each in found}


def execute(folder: Path, sql: str) -> None:
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        connection.execute(sql)


def write(folder: Path, name: str, sql: str) -> None:
    (folder / "models" / f"{name}.sql").write_text(sql)


def test_a_seed_that_is_a_link_has_the_content_that_dbt_loads(write_product: WriteProduct) -> None:
    folder = product(write_product)
    shared = folder.parent / "shared.csv"
    shared.write_text("id\n1\n")
    (folder / "seeds").mkdir()
    (folder / "seeds" / "raw.csv").symlink_to(shared)
    assert [ends(folder, run_id)["raw"] for run_id in ("1", "2")] == ["success", "reused"]
    shared.write_text("id\n2\n")
    assert ends(folder, "3")["raw"] == "success"
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        assert connection.execute("select id from raw").fetchall() == [(2,)]


@pytest.mark.quick
def test_a_second_build_reuses_all_and_a_changed_column_takes_its_readers_along(
    write_product: WriteProduct,
) -> None:
    folder = product(write_product)
    everything = ("first", "reads_both", "reads_id")
    assert ends(folder, "1") == dict.fromkeys(everything, "success")
    second = events(folder, "2")
    assert {e.status for e in second if isinstance(e, NodeResult)} == {"reused"}
    assert second[-1] == BuildEnded(succeeded=True)
    write(folder, "first", FIRST.replace("2 as", "3 as") + " -- and a comment")
    built = ends(folder, "3")
    assert built == {"first": "success", "reads_both": "success", "reads_id": "reused"}


def test_each_environment_reuses_its_own_tables(
    write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which are in other schemas of one database, and compiled from one folder."""
    folder = product(write_product)
    manifest = folder / "manifest.yaml"
    schemas = "".join(f"  {name}: {{compute: {{schema: {name}}}}}\n" for name in ("dev", "prod"))
    manifest.write_text(f"{manifest.read_text()}environments:\n{schemas}")
    compile_product(folder)

    def statuses(environment: str, run_id: str) -> set[str]:
        monkeypatch.setenv("FLOE_ENV", environment)
        request = BuildRequest(job="shop", run_id=run_id)
        found = build(CompiledArtifacts.load(folder), request)
        return {each.status for each in found if isinstance(each, NodeResult)}

    assert [statuses(name, f"{name}1") for name in ("dev", "prod")] == [{"success"}] * 2
    assert [statuses(name, f"{name}2") for name in ("dev", "prod")] == [{"reused"}] * 2
    execute(folder, "update dev.reads_id set id = 7")
    assert [statuses(name, f"{name}3") for name in ("prod", "dev")] == [
        {"reused"},
        {"reused", "success"},
    ]


def test_what_was_changed_by_hand_is_built_again(write_product: WriteProduct) -> None:
    folder = product(write_product)
    ends(folder, "1")
    execute(folder, "update reads_id set id = 7; drop table reads_both")
    built = {"first": "reused", "reads_both": "success", "reads_id": "success"}
    assert ends(folder, "2") == built


def test_a_failed_node_is_built_again_and_so_is_what_it_held_back(
    write_product: WriteProduct,
) -> None:
    folder = product(write_product)
    ends(folder, "1")
    write(folder, "first", FIRST + " where no_such_column")
    assert ends(folder, "2")["first"] == "error"
    write(folder, "first", FIRST)
    assert ends(folder, "3") == {"first": "success", "reads_both": "reused", "reads_id": "reused"}


def test_a_full_refresh_by_dbts_variable_builds_everything(
    write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = (
        "{{ config(materialized='incremental', unique_key='id') }} select * from {{ ref('first') }}"
    )
    folder = product(write_product, added=added)
    ends(folder, "1")
    write(folder, "first", FIRST.replace("1 as id", "9 as id"))
    ends(folder, "2")
    monkeypatch.setenv("DBT_FULL_REFRESH", "True")
    assert set(ends(folder, "3").values()) == {"success"}
    with duckdb.connect(str(folder / "shop.duckdb"), read_only=True) as connection:
        assert connection.execute("select id from added").fetchall() == [(9,)]


def test_new_inputs_wait_for_as_long_as_a_model_tolerates_it(write_product: WriteProduct) -> None:
    def tolerant(span: str) -> str:
        meta = f"{{'floe': {{'reuse': {{'lagTolerance': '{span}'}}}}}}"
        return f"{{{{ config(meta={meta}) }}}} {READS_BOTH}"

    folder = product(write_product, reads_both=tolerant("1 hour"))
    ends(folder, "1")
    write(folder, "first", FIRST.replace("2 as", "3 as"))
    waits = {"first": "success", "reads_both": "reused", "reads_id": "reused"}
    assert ends(folder, "2") == waits
    assert ends(folder, "3") == dict.fromkeys(waits, "reused")
    write(folder, "reads_both", tolerant("1 s"))
    assert ends(folder, "4") == {**waits, "first": "reused", "reads_both": "success"}


def asked_of_dbt(folder: Path, run_id: str) -> set[str]:
    """Return the names of the nodes that dbt compiled for a plan."""
    results = folder / ".floe" / "runs" / run_id / "attempt-1-plan" / "run_results.json"
    told = json.loads(results.read_text())["results"] if results.exists() else []
    return {each["unique_id"].split(".")[2] for each in told}


def test_dbt_is_asked_only_for_what_may_compile_to_something_else(
    write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads_var = "select id, {{ var('factor', 2) }} as factor from {{ ref('first') }}"
    doubles = "select id, {{ double('amount') }} as amount from {{ ref('first') }}"
    folder = product(write_product, reads_var=reads_var, doubles=doubles)
    macro = folder / "macros" / "double.sql"
    macro.parent.mkdir()
    macro.write_text("{% macro double(a) %}{{ a }} * 2{% endmacro %}")
    everything = {"first", "reads_id", "reads_both", "reads_var", "doubles"}
    assert ends(folder, "1") == dict.fromkeys(everything, "success")
    assert asked_of_dbt(folder, "1") == everything
    assert ends(folder, "2") == dict.fromkeys(everything, "reused")
    assert asked_of_dbt(folder, "2") == {"reads_var"}
    macro.write_text("{% macro double(a) %}{{ a }} + {{ a }}{% endmacro %}")
    assert ends(folder, "3") == {**dict.fromkeys(everything, "reused"), "doubles": "success"}
    assert asked_of_dbt(folder, "3") == {"reads_var", "doubles"}
    # A flag of dbt's, and a relation of another name.
    monkeypatch.setenv("DBT_STORE_FAILURES", "1")
    assert ends(folder, "4") == dict.fromkeys(everything, "reused")
    assert asked_of_dbt(folder, "4") == everything
    write(folder, "first", "{{ config(alias='renamed') }}" + FIRST)
    assert ends(folder, "5")["reads_id"] == "success"
    assert asked_of_dbt(folder, "5") == everything


def test_a_node_whose_code_holds_a_secret_is_asked_for_again_and_changes_no_state(
    write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBT_ENV_SECRET_KEY", "a-long-secret-value")
    secret = TABLE + "select 'https://user:a-long-secret-value@host' as url"
    folder = product(write_product, secret=secret)
    everything = dict.fromkeys(("first", "reads_id", "reads_both", "secret"), "success")
    assert ends(folder, "1") == everything
    state = (folder / STATE).read_bytes()
    assert b"a-long-secret" not in state
    written = (folder / STATE).stat()
    assert ends(folder, "2") == dict.fromkeys(everything, "reused")
    assert asked_of_dbt(folder, "2") == {"secret"}
    assert (folder / STATE).stat() == written


def test_dbts_parse_is_read_once_and_dbt_compiles_what_it_builds(
    write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where what changed reads an ephemeral model, a snapshot is there, and a test."""
    read = []
    monkeypatch.setattr(
        preloaded_manifest, "read_manifest", lambda packed: read.append(1) or read_manifest(packed)
    )
    through = "select id from {{ ref('between') }}"
    between = "{{ config(materialized='ephemeral') }} select id from {{ ref('deep') }}"
    deep = "{{ config(materialized='ephemeral') }} select id from {{ ref('first') }}"
    folder = product(write_product, through=through, between=between, deep=deep)
    ends(folder, "1")
    for changed in ({"reads_id": READS_ID + " where id > 0"}, {"deep": deep + " where id > 0"}):
        for name, sql in changed.items():
            write(folder, name, sql)
        compile_product(folder)
        read.clear()
        run_id = next(iter(changed))
        request = BuildRequest(job="shop", run_id=run_id)
        found = list(build(CompiledArtifacts.load(folder), request))
        assert found[-1] == BuildEnded(succeeded=True)
        assert read == [1]
        left = folder / ".floe" / "runs" / run_id
        planned, built = (codes_in(left / f"attempt-1{name}") for name in ("-plan", ""))
        assert built
        assert built == {node_id: planned[node_id] for node_id in built}
        assert set(ends(folder, f"after {run_id}").values()) == {"reused"}


@pytest.mark.parametrize(
    "damage", ["", "{", '{"format": 99}', '{"format": 1, "hash": "", "state": {}}']
)
def test_a_damaged_state_builds_all_and_says_so(damage: str, write_product: WriteProduct) -> None:
    folder = product(write_product)
    ends(folder, "1")
    (folder / STATE).write_text(damage)
    found = events(folder, "2")
    assert {e.status for e in found if isinstance(e, NodeResult)} == {"success"}
    assert any("everything is built" in e.text for e in found if isinstance(e, NodeLog))
    assert set(ends(folder, "3").values()) == {"reused"}


def test_a_state_of_another_product_is_no_state(
    write_product: WriteProduct, tmp_path: Path
) -> None:
    folder = product(write_product)
    ends(folder, "1")
    text = FLOE.replace("name: shop", "name: other")
    other = write_product("other", floe=text, first=FIRST, reads_id=READS_ID, reads_both=READS_BOTH)
    (other / ".floe").mkdir()
    (other / STATE).write_bytes((folder / STATE).read_bytes())
    compile_product(other)
    request = BuildRequest(job="other", run_id="1")
    found = list(build(CompiledArtifacts.load(other), request))
    assert {e.status for e in found if isinstance(e, NodeResult)} == {"success"}


def test_without_reuse_everything_is_built_and_nothing_is_remembered(
    write_product: WriteProduct,
) -> None:
    folder = product(write_product)
    assert set(ends(folder, "1", reuse=False).values()) == {"success"}
    assert not (folder / STATE).exists()
    assert set(ends(folder, "2").values()) == {"success"}
    assert set(ends(folder, "3", reuse=False).values()) == {"success"}
    assert set(ends(folder, "4").values()) == {"reused"}


def test_a_run_that_may_not_reuse_builds_all_and_is_remembered(
    write_product: WriteProduct,
) -> None:
    folder = product(write_product)
    compile_product(folder)
    artifacts = CompiledArtifacts.load(folder)
    for run_id in ("1", "2"):
        request = BuildRequest(job="shop", run_id=run_id, may_reuse=False)
        results = [e for e in build(artifacts, request) if isinstance(e, NodeResult)]
        assert {result.status for result in results} == {"success"}
    assert set(ends(folder, "3").values()) == {"reused"}


def test_a_part_of_a_product_is_reused_against_what_stands_of_the_rest(
    write_product: WriteProduct,
) -> None:
    folder = product(write_product)
    ends(folder, "1")
    write(folder, "first", FIRST.replace("2 as", "3 as"))
    compile_product(folder)
    artifacts = CompiledArtifacts.load(folder)
    only = BuildRequest(job="shop", run_id="2", node_ids=("model.shop.reads_both",))
    (result,) = (e for e in build(artifacts, only) if isinstance(e, NodeResult))
    assert result.status == "reused"


VIEW = "{{ config(materialized='view') }}\n"


@pytest.mark.parametrize("reads", ["ref('shown')", "ref('shown_again')"])
def test_a_part_reads_what_a_view_that_is_not_of_it_shows_now(
    reads: str, write_product: WriteProduct
) -> None:
    views = {
        "shown": VIEW + "select id, amount from {{ ref('first') }}",
        "shown_again": VIEW + "select amount, id from {{ ref('shown') }}",
    }
    tables = {
        "below": f"{TABLE}select amount from {{{{ {reads} }}}}",
        "beside": f"{TABLE}select id from {{{{ {reads} }}}}",
    }
    folder = product(write_product, **views, **tables)
    ends(folder, "1")
    for run, (amount, selects_first) in enumerate([(3, True), (4, False), (2, True)], start=2):
        write(folder, "first", FIRST.replace("2 as", f"{amount} as"))
        if not selects_first:
            assert part(folder, "first") == {"first": "success"}
        chosen = ("first", "below", "beside") if selects_first else ("below", "beside")
        built = {"below": "success", "beside": "reused"}
        assert part(folder, *chosen) == {**built, **dict.fromkeys(chosen[:-2], "success")}
        assert rows(folder, "below") == [(amount,)]
        whole = ends(folder, str(run))
        built_again = {name for name, status in whole.items() if status == "success"}
        assert built_again == {"reads_both", *views}


def test_a_part_below_a_view_of_the_clock_is_built_each_time(write_product: WriteProduct) -> None:
    clock = {
        "shown": VIEW + "select now() as at",
        "below": TABLE + "select * from {{ ref('shown') }}",
    }
    folder = product(write_product, **clock)
    ends(folder, "1")
    assert part(folder, "below") == {"below": "success"}


def part(folder: Path, *names: str) -> dict[str, str]:
    """Build some nodes, and return node name -> status."""
    compile_product(folder)
    only = BuildRequest("shop", uuid4().hex, tuple(f"model.shop.{name}" for name in names))
    found = build(CompiledArtifacts.load(folder), only)
    return {e.unique_id.split(".")[2]: e.status for e in found if isinstance(e, NodeResult)}


def rows(folder: Path, table: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(folder / "shop.duckdb"), read_only=True) as connection:
        return connection.execute(f"select * from {table}").fetchall()


def test_what_asks_the_warehouse_or_the_clock_is_never_reused(write_product: WriteProduct) -> None:
    asks = TABLE + "{% set x = run_query('select 1') %}select 1 as id"
    batches = (
        "{{ config(materialized='incremental', incremental_strategy='microbatch', "
        "event_time='day', batch_size='year', begin='2025-01-01') }}"
    )
    folder = product(
        write_product,
        asks=asks,
        clock=TABLE + "select now() as at",
        batches=batches + "select timestamp '2026-01-01' as day",
        file="{{ config(materialized='external', location='file.parquet') }} select 1 as id",
    )
    assert set(ends(folder, "1").values()) == {"success"}
    plan = plan_run(CompiledArtifacts.load(folder), BuildRequest(job="shop", run_id="plan"))
    told = {i.split(".")[2]: each.why for i, each in plan.decisions.items()}
    assert told["asks"] == "never reused: run_query"
    assert told["clock"] == "never reused: now()"
    assert told["batches"] == "never reused: each run builds the batches up to its own time"
    assert told["file"] == "never reused: its rows are in a file outside of the warehouse"
    assert plan.decisions["model.shop.first"].action == "reuse"


def test_without_dbts_adapter_a_plan_builds_all_and_says_why(
    write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = product(write_product)
    manifest = folder / "manifest.yaml"
    plain = "{type: duckdb}"
    with_settings = "{type: duckdb, config: {settings: {threads: 2}}}"
    manifest.write_text(manifest.read_text().replace(plain, with_settings))
    compile_product(folder)
    monkeypatch.setitem(sys.modules, "dbt.config.profile", None)
    plan = plan_run(CompiledArtifacts.load(folder), BuildRequest(job="shop", run_id="plan"))
    assert plan.problem.startswith("tables are read through dbt's adapter")
    assert {each.action for each in plan.decisions.values()} == {"build"}


WITHOUT_DBT = """\
import sys

sys.modules |= dict.fromkeys(("dbt", "dbt.adapters", "dbt_common", "dbt_semantic_interfaces"))

from floe_core.execution import BuildRequest, NodeResult, build
from floe_core.schemas import CompiledArtifacts

request = BuildRequest(job="shop", run_id="2")
for event in build(CompiledArtifacts.load(sys.argv[1]), request):
    if isinstance(event, NodeResult):
        print(event.status)
"""


def test_a_run_that_reuses_everything_does_not_import_dbt(write_product: WriteProduct) -> None:
    """It takes a second, in each run."""
    folder = product(write_product)
    ends(folder, "1")
    command = [sys.executable, "-c", WITHOUT_DBT, str(folder)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.stdout.split() == ["reused"] * 3, done.stderr


def test_a_plan_changes_nothing(write_product: WriteProduct) -> None:
    folder = product(write_product)
    ends(folder, "1")
    write(folder, "first", FIRST.replace("2 as", "3 as"))
    compile_product(folder)
    artifacts = CompiledArtifacts.load(folder)
    before = (folder / STATE).read_bytes()
    plans = [plan_run(artifacts, BuildRequest(job="shop", run_id="plan")) for _ in range(2)]
    assert plans[0].decisions.keys() == plans[1].decisions.keys()
    assert [d.why for d in plans[0].decisions.values()] == [
        d.why for d in plans[1].decisions.values()
    ]
    assert (folder / STATE).read_bytes() == before
