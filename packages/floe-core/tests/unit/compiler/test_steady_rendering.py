"""Whose Jinja renders to the same SQL each time: what is not known to be steady is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from floe_core.compiler.code.code_hashes import CodeHashes
from floe_core.compiler.code.steady_rendering import SteadyRendering

MACROS = {
    "macro.shop.cents": "{% macro cents(amount) %}({{ amount }} / 100){% endmacro %}",
    "macro.shop.asks": "{% macro asks() %}{{ adapter.get_relation('a', 'b', 'c') }}{% endmacro %}",
    "macro.shop.reads_var": "{% macro reads_var() %}{{ var('a') }}{% endmacro %}",
    "macro.shop.calls": "{% macro calls() %}{{ asks() }}{% endmacro %}",
    "macro.shop.apply": "{% macro apply(f) %}{{ f(1) }}{% endmacro %}",
    "macro.shop.test_good": (
        "{% test good(model, column_name) %}{% do log('x') %}"
        "select * from {{ model }} where {{ column_name }} is null{% endtest %}"
    ),
}
CALLED = {"macro.shop.calls": ["macro.shop.asks"]}


def manifest(**macros: str) -> dict[str, Any]:
    texts = {**MACROS, **{f"macro.shop.{name}": text for name, text in macros.items()}}
    return {
        "metadata": {"adapter_type": "duckdb"},
        "nodes": {"model.shop.e": {"config": {"materialized": "ephemeral"}}},
        "macros": {
            macro_id: {
                "name": macro_id.rpartition(".")[2],
                "package_name": "shop",
                "macro_sql": text,
                "depends_on": {"macros": CALLED.get(macro_id, [])},
            }
            for macro_id, text in texts.items()
        },
    }


def hash_of(code: str, *macros: str, texts: dict[str, str] | None = None, **fields: Any) -> str:
    told = manifest(**(texts or {}))
    entry = {
        "unique_id": "model.shop.a",
        "resource_type": "model",
        "raw_code": code,
        "depends_on": {"macros": [f"macro.shop.{name}" for name in macros], "nodes": []},
        **fields,
    }
    return SteadyRendering(told, CodeHashes(told, Path("/shop"))).hash_of(entry)


@pytest.mark.parametrize(
    ("code", "macros"),
    [
        ("select 1", ()),
        ("{{ config(materialized='table') }} select * from {{ ref('a') }}", ()),
        ("select * from {{ source('a', 'b') }} where {{ config.get('x', default=1) }} = 1", ()),
        ("{% set days = [1, 2] %}{% for d in days %}{{ d }}{{ loop.index }}{% endfor %}", ()),
        ("select {{ cents('a') }}, {{ shop.cents('b') }} from {{ this }}", ("cents",)),
        ("{{ test_good(**_dbt_generic_test_kwargs) }}", ("test_good",)),
        ("{% if execute %}1{% endif %}{{ adapter.dispatch('cents')(1) }}", ("cents",)),
        ("{% if flags.STORE_FAILURES %}1{% endif %}{{ return(tojson([1])) }}", ()),
        ("{# {{ var('a') }} #} select 1", ()),
    ],
)
def test_what_is_steady(code: str, macros: tuple[str, ...]) -> None:
    assert hash_of(code, *macros)


@pytest.mark.parametrize(
    ("code", "macros"),
    [
        ("{{ var('a') }}", ()),
        ("{{ env_var('A') }}", ()),
        ("{{ target.schema }}", ()),
        ("{{ run_started_at }}", ()),
        ("{{ graph.nodes }}", ()),
        ("{{ model.unique_id }}", ()),
        ("{{ context['var']('a') }}", ()),
        ("{{ builtins.ref('a') }}", ()),
        ("{{ modules.datetime.datetime.now() }}", ()),
        ("{{ flags.FULL_REFRESH }}", ()),
        ("{% set f = flags %}{{ f.FULL_REFRESH }}", ()),
        ("{{ config }}", ()),
        ("{{ adapter.get_columns_in_relation(this) }}", ()),
        ("{% set a = adapter %}{{ a.execute('select 1') }}", ()),
        ("{{ no_such_macro() }}", ()),
        ("{{ asks() }}", ("asks",)),
        ("{{ calls() }}", ("calls",)),
        ("{{ reads_var() }}", ("reads_var",)),
        # Whoever is given a macro may call it, which dbt's list of macros does not say.
        ("{{ apply(reads_var) }}", ("apply",)),
        ("{{ apply(shop.reads_var) }}", ("apply",)),
        ("{{ shop['reads_var']() }}", ()),
        ("{% if %}", ()),
    ],
)
def test_what_is_left_to_dbt(code: str, macros: tuple[str, ...]) -> None:
    assert hash_of(code, *macros) == ""


@pytest.mark.parametrize(
    "fields",
    [
        {"language": "python"},
        {"config": {"incremental_strategy": "microbatch"}},
        {"config": {"where": "id > {{ var('a') }}"}},
        {"depends_on": {"macros": [], "nodes": ["model.shop.e"]}},
        {"test_metadata": {"kwargs": {"values": ["{{ var('a') }}"]}}},
    ],
)
def test_what_else_is_left_to_dbt(fields: dict[str, Any]) -> None:
    assert hash_of("select 1", **fields) == ""


def test_the_hash_changes_with_all_that_the_sql_is_made_of() -> None:
    plain = hash_of("{{ cents(1) }}", "cents")
    assert plain == hash_of("{{ cents(1) }}", "cents")
    others = [
        hash_of("{{ cents(2) }}", "cents"),
        hash_of("{{ cents(1) }}", "cents", texts={"cents": "{% macro cents(a) %}0{% endmacro %}"}),
        hash_of("{{ cents(1) }}", "cents", config={"x": 1}),
        hash_of("{{ cents(1) }}", "cents", test_metadata={"kwargs": {"a": "b"}}),
    ]
    assert len({plain, *others}) == 5
