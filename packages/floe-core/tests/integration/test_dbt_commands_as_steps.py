"""`dbt run-operation` and `dbt clone` are steps: they run where the graph has them, as in plain dbt."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from plain_shop import FLOE, MANIFEST

from floe_core.compiler import compile_product
from floe_core.execution import BuildEnded, BuildRequest, NodeLog, NodeResult, build
from floe_core.foundation.errors import InvalidProductError

WriteProduct = Callable[..., Path]
MACRO = """\
{% macro count_into(name, of) %}
  {% do run_query("create or replace table " ~ name ~ " as select '" ~ var('city', 'none')
     ~ "' as city, count(*) as n from " ~ ref(of)) %}
  {{ log("counted " ~ of, info=true) }}
{% endmacro %}
"""
STEPS = """\
vars: {city: Oslo}
steps:
  - name: count_first
    dbt: [run-operation, count_into, --args, "{name: counted, of: first}"]
    reads: [first]
    writes: [counted]
"""
MODELS = {"first": "{{ config(materialized='table') }} select 1 as id union all select 2"}


def built(folder: Path) -> Iterator[object]:
    with closing(build(compile_product(folder), BuildRequest(job="shop", run_id="r1"))) as events:
        yield from events


@pytest.fixture
def product(write_product: WriteProduct) -> Path:
    folder = write_product(floe=FLOE + STEPS, **MODELS)
    (folder / "macros").mkdir()
    (folder / "macros" / "count_into.sql").write_text(MACRO)
    return folder


def test_a_macro_runs_after_what_it_reads(product: Path) -> None:
    events = list(built(product))
    results = {e.unique_id: e.status for e in events if isinstance(e, NodeResult)}
    assert results == {"model.shop.first": "success", "step.shop.count_first": "success"}
    logs = [e.text for e in events if isinstance(e, NodeLog) and "counted first" in e.text]
    assert len(logs) == 1
    with duckdb.connect(str(product / "shop.duckdb"), read_only=True) as opened:
        assert opened.execute("select * from counted").fetchall() == [("Oslo", 2)]


def test_a_macro_that_fails_fails_the_run(product: Path) -> None:
    (product / "macros" / "count_into.sql").write_text(
        "{% macro count_into(name, of) %}{{ exceptions.raise_compiler_error('no ' ~ name) }}"
        "{% endmacro %}"
    )
    events = list(built(product))
    (end,) = (e for e in events if isinstance(e, BuildEnded))
    failed = next(e for e in events if isinstance(e, NodeResult) and "step" in e.unique_id)
    assert (end.succeeded, failed.status) == (False, "error")
    assert any(isinstance(e, NodeLog) and "no counted" in e.text for e in events)
    assert not any(isinstance(e, NodeLog) and "RuntimeWarning" in e.text for e in events)


def test_clone_makes_the_tables_of_another_state(
    write_product: WriteProduct, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = "steps: [{name: cloned, dbt: [clone, --state, state, --select, first]}]\n"
    manifest = MANIFEST.replace("type: duckdb", "type: duckdb, config: {schema: env:WHERE}")
    assert "WHERE" in manifest
    folder = write_product(floe=FLOE + steps, manifest=manifest, **MODELS)
    monkeypatch.setenv("WHERE", "prod")
    assert any(isinstance(e, NodeLog) and "state" in e.text for e in list(built(folder)))
    parse = [sys.executable, "-m", "dbt.cli.main", "parse", "--target-path", "state"]
    subprocess.run(parse, cwd=folder, check=True, capture_output=True)
    monkeypatch.setenv("WHERE", "dev")
    request = BuildRequest(job="shop", run_id="r2", node_ids=("step.shop.cloned",))
    with closing(build(compile_product(folder), request)) as events:
        results = [e for e in events if isinstance(e, NodeResult)]
    assert [e.status for e in results] == ["success"]
    with duckdb.connect(str(folder / "shop.duckdb"), read_only=True) as opened:
        assert opened.execute("select count(*) from dev.first").fetchall() == [(2,)]


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("[build, --select, a]", "floe does not run `dbt build` as a step"),
        ("[run-operation, m, --vars, '{a: 1}']", "floe passes --vars itself"),
        ("[run-operation, m, --target=prod]", "floe passes --target itself"),
    ],
)
def test_other_words_are_refused(write_product: WriteProduct, words: str, what: str) -> None:
    folder = write_product(floe=FLOE + f"steps: [{{name: other, dbt: {words}}}]\n")
    with pytest.raises(InvalidProductError) as caught:
        compile_product(folder)
    assert f"step 'other': {what}" in str(caught.value)
