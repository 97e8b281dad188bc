"""What compile says of a node for reuse, of a manifest that is written by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from floe_core.compiler.code.code_hashes import CodeHashes
from floe_core.compiler.code.python_reads import find_varying_read
from floe_core.compiler.code.reuse_facts import ReuseFactsReader
from floe_core.schemas.nodes import ReuseFacts

KNOWN_LATER = "its hooks use a value that only the run knows"
BATCHES = {"materialized": "incremental", "incremental_strategy": "microbatch"}
MACROS = {
    "macro.shop.plain": {"macro_sql": "{% macro plain() %}1{% endmacro %}"},
    "macro.shop.asks": {"macro_sql": "{% macro asks() %}{{ run_query('x') }}{% endmacro %}"},
    "macro.shop.calls": {
        "macro_sql": "{% macro calls() %}{{ asks() }}{% endmacro %}",
        "depends_on": {"macros": ["macro.shop.asks"]},
    },
    "macro.shop.reads_var": {"macro_sql": "{% macro reads_var() %}{{ var('x') }}{% endmacro %}"},
}
IN_QUOTES = {"in_quotes": "rows of runs", "keyword": "table"}
MANIFEST = {
    "metadata": {"adapter_type": "duckdb"},
    "nodes": {},
    "macros": {
        i: {"name": i.split(".")[2], "package_name": "shop", **each} for i, each in MACROS.items()
    },
}


def facts(macros: tuple[str, ...] = (), **fields: Any) -> ReuseFacts:
    """Return the facts of a model that uses these macros of the project."""
    config = {"materialized": "table", **fields.pop("config", {})}
    entry = {
        "unique_id": "model.shop.a",
        "resource_type": "model",
        "raw_code": "select 1",
        "config": config,
        "depends_on": {"macros": [f"macro.shop.{name}" for name in macros]},
        **fields,
    }
    return ReuseFactsReader(MANIFEST, CodeHashes(MANIFEST, Path("/shop")), reads_texts=True).facts(
        entry
    )


@pytest.mark.parametrize(
    ("fields", "never"),
    [
        ({}, ""),
        ({"macros": ("plain",)}, ""),
        ({"macros": ("calls",)}, "run_query in shop.asks"),
        ({"raw_code": "{{ run_started_at }}"}, "run_started_at"),
        ({"raw_code": "{{ adapter.get_relation('a', 'b', 'c') }}"}, "adapter.get_relation"),
        ({"raw_code": "{{ adapter.dispatch('plain')() }}"}, ""),
        ({"raw_code": "{{ modules.datetime.datetime.now() }}"}, "modules.datetime"),
        ({"config": {"meta": {"floe": {"reuse": "never"}}}}, "meta.floe.reuse is never"),
        ({"config": {"store_failures": True}}, "it stores its failures"),
        ({"config": {"post-hook": [{"sql": "grant select on {{ this }} to x"}]}}, ""),
        (
            {"config": {"post-hook": [{"sql": "insert into {{ ref('b') }} select 1"}]}},
            "its hooks use another relation",
        ),
        (
            {"config": {"post-hook": [{"sql": "{{ reads_var() }}"}]}, "macros": ("reads_var",)},
            "its hooks, header or materialization read var",
        ),
        (
            {"config": {"post-hook": [{"sql": "grant select on {{ this }} to {{ target.user }}"}]}},
            "its hooks, header or materialization read target.user",
        ),
        (
            {
                "config": {
                    "post-hook": [{"sql": "comment on table {{ this }} is '{{ target.schema }}'"}]
                }
            },
            "",
        ),
        (
            {"config": {"post-hook": [{"sql": "copy {{ this }} to 'x'"}]}},
            "its hooks use a statement COPY",
        ),
        ({"config": {"post-hook": [{"sql": "call f()"}]}}, "its hooks use a statement CALL"),
        ({"config": {"post-hook": [{"sql": "select f()"}]}}, "its hooks use f()"),
        ({"config": {"post-hook": [{"sql": "vacuum {{ this }}"}]}}, ""),
        ({"config": {"pre-hook": [{"sql": "delete from {{ this }} where {{ x }}"}]}}, KNOWN_LATER),
        (
            {"config": {"sql_header": "create temp macro f() as 1;"}},
            "its hooks use a statement CREATE",
        ),
        ({"config": {"sql_header": "set a = (select max(x) from b);"}}, "its hooks use max()"),
        ({"config": BATCHES}, "each run builds the batches up to its own time"),
        (
            {"config": {"materialized": "external"}},
            "its rows are in a file outside of the warehouse",
        ),
    ],
)
def test_what_keeps_a_node_from_being_reused(fields: dict[str, Any], never: str) -> None:
    assert facts(**fields).never == never


@pytest.mark.parametrize(
    ("hook", "also"),
    [
        ("insert into {{ ref('log') }} select 1", set()),
        ("insert into {{ ref('shop', 'log') }} select 1", set()),
        ("insert into {{ source('raw', 'log') }} select 1", set()),
        ("{{ fill(ref('log')) }}", set()),
        ("insert into {{ ref('shared') }} select 1", {"rows", "shared"}),
        ("insert into {{ ref('log', v=2) }} select 1", {"rows", "shared"}),
        ("insert into {{ ref(var('log')) }} select 1", {"rows", "shared"}),
        ("insert into {{ ref('log', *names) }} select 1", {"rows", "shared"}),
        ("insert into {{ ref('in_quotes') }} select 1", {"rows", "shared", "in_quotes"}),
        ("insert into {{ ref('keyword') }} select 1", {"rows", "shared", "keyword"}),
    ],
)
def test_only_what_a_hook_may_write_is_built_again(hook: str, also: set[str]) -> None:
    """Where one relation is named, it alone; else each one that the node depends on."""
    models = {"writer": "writer", "log": "log_of_runs", "rows": "rows", "shared": "shared_1"}
    models |= {name: alias for name, alias in IN_QUOTES.items() if name in hook}
    nodes = {
        f"model.shop.{name}": {
            "unique_id": f"model.shop.{name}",
            "resource_type": "model",
            "name": name,
            "alias": alias,
            "raw_code": "select 1",
            "config": {"materialized": "table"},
        }
        for name, alias in models.items()
    }
    nodes["model.other.shared"] = {**nodes["model.shop.shared"], "alias": "shared_2"}
    nodes["model.shop.writer"] |= {
        "config": {"materialized": "table", "post-hook": [{"sql": hook}]},
        "depends_on": {"nodes": [f"model.shop.{name}" for name in models if name != "writer"]},
    }
    source = {"unique_id": "source.shop.raw.log", "resource_type": "source", "name": "log"}
    fill = "{% macro fill(into) %}insert into {{ into }} select 1{% endmacro %}"
    manifest = {
        **MANIFEST,
        "nodes": nodes,
        "sources": {"source.shop.raw.log": {**source, "identifier": "log_of_runs"}},
        "macros": {"macro.shop.fill": {"name": "fill", "package_name": "shop", "macro_sql": fill}},
    }
    reader = ReuseFactsReader(manifest, CodeHashes(manifest, Path("/shop")), reads_texts=True)
    written = {
        name for name in models if "hook of" in reader.facts(nodes[f"model.shop.{name}"]).never
    }
    assert written == {"log", *also}


@pytest.mark.parametrize(
    ("config", "does"),
    [
        ({}, "adds"),
        ({"unique_key": "id"}, "adds"),
        ({"incremental_strategy": "append", "unique_key": "id"}, "adds"),
        ({"incremental_strategy": "insert_overwrite"}, "overwrites"),
        ({"incremental_strategy": "merge", "unique_key": "id"}, "adds"),
        ({"unique_key": "id", "merge_update_columns": ["amount"]}, "adds"),
        ({"unique_key": "id", "incremental_predicates": ["at > now()"]}, ""),
        ({"unique_key": "id", "merge_clauses": {"when_matched": []}}, ""),
        ({"unique_key": "id", "post-hook": [{"sql": "delete from {{ this }}"}]}, ""),
        ({"incremental_strategy": "own", "unique_key": "id"}, ""),
        ({"materialized": "by_period"}, ""),
    ],
)
def test_what_a_build_does_to_the_rows_of_an_incremental_model(
    config: dict[str, Any], does: str
) -> None:
    assert facts(config={"materialized": "incremental", **config}).own_rows == does


@pytest.mark.parametrize(
    ("config", "counts"),
    [
        ({}, False),
        ({"tags": ["a"], "meta": {"a": 1}, "grants": {"select": ["x"]}}, False),
        ({"persist_docs": {"columns": True}, "docs": {"show": True}}, False),
        ({"contract": {"enforced": False, "alias_types": True}}, False),
        ({"contract": {"enforced": True}}, True),
        ({"sql_header": "set a = 1;"}, True),
        ({"a_key_of_a_newer_dbt": True}, True),
        ({"a_key_of_a_newer_dbt": False}, True),
        ({"a_key_of_a_newer_dbt": None}, False),
        ({"post-hook": [{"sql": "analyze {{ this }}"}]}, True),
    ],
)
def test_what_of_a_configuration_may_change_the_rows(config: dict[str, Any], counts: bool) -> None:
    assert (facts(config=config).content != "") is counts


@pytest.mark.parametrize(
    ("reuse", "seconds"),
    [
        ({"lagTolerance": "1 h"}, 3600),
        ({"lagTolerance": "90 minutes"}, 5400),
        ({"lagTolerance": "2days"}, 172_800),
        ({"lagTolerance": "0 h"}, 0),
        ({"lagTolerance": "soon"}, 0),
        ("never", 0),
        (None, 0),
    ],
)
def test_how_long_new_inputs_may_wait(reuse: object, seconds: int) -> None:
    assert facts(config={"meta": {"floe": {"reuse": reuse}}}).lag_seconds == seconds


@pytest.mark.parametrize(
    ("config", "counts"),
    [
        ({"tags": ["a"]}, False),
        ({"meta": {"owner": "me"}}, False),
        ({"materialized": "view"}, True),
        ({"grants": {"select": ["x"]}}, True),
        ({"post-hook": [{"sql": "analyze"}]}, True),
        ({"column_types": {"id": "bigint"}}, True),
    ],
)
def test_what_of_a_configuration_counts(config: dict[str, Any], counts: bool) -> None:
    assert (facts(config=config).build != facts().build) is counts


def test_descriptions_count_only_where_they_reach_the_warehouse() -> None:
    columns = {"id": {"name": "id", "description": "the key"}}
    assert facts(columns=columns).build == facts().build
    kept = {"persist_docs": {"columns": True}}
    assert facts(columns=columns, config=kept).build != facts(config=kept).build


@pytest.mark.parametrize(
    ("code", "varies"),
    [
        ("import pandas as pd\ndef model(dbt, session):\n    return dbt.ref('a').df()", ""),
        ("from datetime import datetime", "import datetime"),
        ("def model(dbt, session):\n    return session.sql('select 1')", "sql"),
        ("import pandas as pd\nx = pd.read_csv('a')", "read_csv"),
        ("def model(dbt, session:", "Python that cannot be read"),
    ],
)
def test_a_python_model_may_only_compute(code: str, varies: str) -> None:
    assert find_varying_read(code) == varies


@pytest.mark.parametrize(
    "code",
    [
        "SELECT  1",
        "select 1 -- one",
        "{# one #} select 1",
        "{{ config(tags=['a'], meta={'a': {'b': 1}}) }}\nselect 1",
    ],
)
def test_comments_blanks_and_configuration_are_no_part_of_the_text(code: str) -> None:
    assert facts(raw_code=code).text == facts(raw_code="select 1").text


@pytest.mark.parametrize("code", ["select 2", "select 1 as a", "{{ one }} select 1", "select '1"])
def test_anything_else_of_the_sql_is(code: str) -> None:
    assert facts(raw_code=code).text != facts(raw_code="select 1").text


def test_the_case_of_a_string_counts() -> None:
    assert facts(raw_code="select 'a'").text != facts(raw_code="select 'A'").text


@pytest.mark.parametrize("read", ["", "run_started_at"])
def test_what_the_first_of_many_ephemeral_models_reads_is_found_once(read: str) -> None:
    """Each reads the one before; who asks each for those above it asks 2**60 times."""
    nodes = {
        f"model.shop.m{n}": {
            "unique_id": f"model.shop.m{n}",
            "resource_type": "model",
            "raw_code": f"select {n}" if n or not read else f"{{{{ {read} }}}}",
            "config": {"materialized": "ephemeral" if n < 60 else "table"},
            "depends_on": {"nodes": [f"model.shop.m{n - 1}"] if n else []},
        }
        for n in range(61)
    }
    manifest = {**MANIFEST, "nodes": nodes}
    reader = ReuseFactsReader(manifest, CodeHashes(manifest, Path("/shop")), reads_texts=True)
    assert reader.facts(nodes["model.shop.m60"]).never == read
