"""What makes the partitions of a node stale: its code, and what dbt makes a part of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import plain_shop
import pytest

from floe_core.compiler import compile_product
from floe_core.partitions.statuses import codes_of

DAILY = "model.shop.daily"
DBT_PROJECT = """\
name: shop
version: 1.0.0
profile: shop
vars: {rate: 2, limit: 9, other: 3, begin: "", end: ""}
"""
FLOE = (
    plain_shop.FLOE
    + """\
partitions: {by: day, start: 2026-11-01, select: daily, vars: {begin: start, end: end}}
vars: {floor: 1}
"""
)
FILES = {
    "seeds/rates.csv": "id,rate\n1,2\n",
    "macros/of_clean.sql": "{% macro of_clean() %}{{ of_all() }}{% endmacro %}",
    "macros/of_all.sql": "{% macro of_all() %}1{% endmacro %}",
    "macros/unused.sql": "{% macro unused() %}1{% endmacro %}",
    "models/raw.sql": "{{ config(materialized='table') }} select 1 as x, now() as happened",
    "models/shown.sql": "{{ config(materialized='view') }} select * from {{ ref('raw') }}",
    "models/clean.sql": (
        "{{ config(materialized='ephemeral') }} select * from {{ ref('shown') }} "
        "where x < {{ var('limit') }} and x >= {{ var('floor') }} + {{ of_clean() }}"
    ),
    "models/daily.sql": (
        "{{ config(materialized='incremental', unique_key='x') }} "
        "select c.x * {{ var(\"rate\") }} as x from {{ ref('clean') }} as c, {{ ref('rates') }} "
        "where happened >= '{{ var('begin') }}' and happened < '{{ var('end') }}'"
    ),
    "models/schema.yml": "models: [{name: daily, description: By day., columns: [{name: x}]}]",
}


def code_of_daily(folder: Path, changes: dict[str, str]) -> str:
    files = {"floe.yaml": FLOE, "dbt_project.yml": DBT_PROJECT, **FILES, **changes}
    for place, text in files.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(text)
    return codes_of(compile_product(folder), [DAILY])[DAILY]


def edit(place: str, old: str, new: str) -> dict[str, str]:
    text = {"floe.yaml": FLOE, "dbt_project.yml": DBT_PROJECT, **FILES}[place]
    assert old in text
    return {place: text.replace(old, new)}


@pytest.mark.parametrize(
    ("change", "is_stale"),
    [
        (edit("models/daily.sql", "c.x *", "c.x +"), True),
        (edit("models/daily.sql", "unique_key='x'", "unique_key=['x']"), True),
        (edit("models/clean.sql", "x <", "x <="), True),
        (edit("macros/of_all.sql", "1", "2"), True),
        (edit("models/shown.sql", "select *", "select x + 1 as x, happened"), True),
        (edit("dbt_project.yml", "rate: 2", "rate: 3"), True),
        (edit("dbt_project.yml", "limit: 9", "shop: {limit: 10}, limit: 9"), True),
        (edit("floe.yaml", "floor: 1", "floor: 2"), True),
        (edit("dbt_project.yml", "other: 3", "other: 4"), False),
        (edit("macros/unused.sql", "1", "2"), False),
        (edit("models/raw.sql", "1 as x", "2 as x"), False),
        (edit("seeds/rates.csv", "1,2", "1,3"), False),
        (edit("models/schema.yml", "By day.", "By the day."), False),
        (edit("models/schema.yml", "{name: x}", "{name: x, description: An id.}"), False),
        (edit("models/schema.yml", "By day.", "By day., config: {tags: [x], meta: {a: 1}}"), False),
    ],
)  # fmt: skip
def test_a_change_of_code_makes_partitions_stale_and_no_other_does(
    write_product: Callable[..., Path], change: dict[str, str], is_stale: bool
) -> None:
    before = code_of_daily(write_product("before"), {})
    assert (code_of_daily(write_product("after"), change) != before) == is_stale


@pytest.mark.parametrize("read", ["var('ra' ~ 'te')", "var(the_name)", "var(\n  var_name='rate')"])
def test_a_var_whose_name_is_no_literal_may_be_any(
    write_product: Callable[..., Path], read: str
) -> None:
    model = edit("models/daily.sql", 'var("rate")', read)
    model = {place: "{% set the_name = 'rate' %}" + text for place, text in model.items()}
    other = edit("dbt_project.yml", "other: 3", "other: 4")
    before = code_of_daily(write_product("before"), model)
    assert code_of_daily(write_product("after"), model | other) != before
