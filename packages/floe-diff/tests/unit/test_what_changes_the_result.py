"""Whatever changes the compiled SQL, a configuration, a hook, a seed or a package is a change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from floe_core.compiler import compile_product
from floe_core.schemas import CompiledArtifacts
from floe_diff import ProductDifference, difference
from floe_diff.markdown import as_markdown

pytestmark = pytest.mark.long

WriteProduct = Callable[..., Path]

DBT_PROJECT = """\
name: shop
version: 1.0.0
profile: shop
vars: {since: 2020, shop: {of: 1}}
on-run-end: ["{{ say_bye() }}"]
"""
USED = "a macro, ephemeral model or var that it uses"
CLEAN = "{{ config(materialized='ephemeral') }} select {{ of_clean() }} as id, {{ var('of') }} as b"
FILES = {
    "macros/of_clean.sql": "{% macro of_clean() %}1{% endmacro %}",
    "models/clean.sql": CLEAN,
    "models/cleaner.sql": "{{ config(materialized='ephemeral') }} select * from {{ ref('clean') }}",
    "models/uses_clean.sql": "select id from {{ ref('cleaner') }}",
    "models/uses_a_var.sql": "select {{ var('since') }} as since",
    "macros/outer.sql": "{% macro outer() %}{{ inner() }}{% endmacro %}",
    "macros/inner.sql": "{% macro inner() %}1{% endmacro %}",
    "macros/say_bye.sql": "{% macro say_bye() %}select 'bye'{% endmacro %}",
    "macros/mine.sql": (
        "{% materialization mine, default %}"
        "{% call statement('main') %}create or replace view {{ this }} as {{ sql }}{% endcall %}"
        "{{ return({'relations': [this]}) }}{% endmaterialization %}"
    ),
    "models/uses_a_macro.sql": "select {{ outer() }} as id",
    "models/plain.sql": "select 1 as id",
    "models/custom.sql": "{{ config(materialized='mine') }} select 1 as id",
    "models/hooked.sql": "{{ config(post_hook='select 1') }} select 1 as id",
    "models/schema.yml": (
        "models:\n  - name: plain\n    columns:\n      - name: id\n        data_tests:\n"
        "          - accepted_values: {name: known, arguments: {values: [1]}}\n"
    ),
    "seeds/big.csv": "id,text\n" + "".join(f"{n},{'x' * 100}\n" for n in range(12_000)),
}


def write(folder: Path, files: dict[str, str]) -> None:
    for place, text in files.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(text)


def compiled(
    write_product: WriteProduct, folder: str, changes: dict[str, str]
) -> CompiledArtifacts:
    product = write_product(folder, dbt_project=DBT_PROJECT)
    write(product, {**FILES, **changes})
    return compile_product(product)


def found(old: CompiledArtifacts, new: CompiledArtifacts) -> ProductDifference:
    return difference(old, new, datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"macros/inner.sql": "{% macro inner() %}2{% endmacro %}"}, f"`model.shop.uses_a_macro`: {USED}"),
        ({"macros/of_clean.sql": "{% macro of_clean() %}2{% endmacro %}"}, f"`model.shop.uses_clean`: {USED}"),
        ({"models/clean.sql": CLEAN + " where true"}, f"`model.shop.uses_clean`: {USED}"),
        (
            {"macros/mine.sql": FILES["macros/mine.sql"].replace("or replace view", "or replace  view")},
            f"`model.shop.custom`: {USED}",
        ),
        (
            {"models/hooked.sql": FILES["models/hooked.sql"].replace("'select 1'", "'select 2'")},
            "`model.shop.hooked`: code; configuration",
        ),
        (
            {"models/schema.yml": FILES["models/schema.yml"].replace("[1]", "[1, 2]")},
            "`test.shop.known.",
        ),
        ({"seeds/big.csv": FILES["seeds/big.csv"] + "12000,y\n"}, "`seed.shop.big`: code"),
        (
            {"macros/say_bye.sql": FILES["macros/say_bye.sql"].replace("bye'", "see you'")},
            "dbt: vars, hooks, flags or packages of the dbt project changed",
        ),
        ({"dbt_project.yml": DBT_PROJECT.replace("2020", "2021")}, f"`model.shop.uses_a_var`: {USED}"),
        ({"dbt_project.yml": DBT_PROJECT.replace("{of: 1}", "{of: 2}")}, f"`model.shop.uses_clean`: {USED}"),
        (
            {"dbt_project.yml": DBT_PROJECT.replace("2020", "2021")},
            "dbt: vars, hooks, flags or packages of the dbt project changed",
        ),
    ],
)  # fmt: skip
def test_it_is_told(write_product: WriteProduct, changes: dict[str, str], told: str) -> None:
    shown = as_markdown(
        found(compiled(write_product, "a", {}), compiled(write_product, "b", changes)), "t"
    )
    assert told in shown
    assert "`model.shop.plain`" not in shown


def test_the_same_files_elsewhere_are_the_same(write_product: WriteProduct) -> None:
    assert not found(compiled(write_product, "a", {}), compiled(write_product, "b", {}))


def test_artifacts_from_before_the_hashes_are_compared_without_them(
    write_product: WriteProduct,
) -> None:
    new = compiled(write_product, "a", {})
    nodes = tuple(
        node.model_copy(update={"macros_hash": "", "config_hash": ""}) for node in new.nodes
    )
    old = new.model_copy(update={"nodes": nodes})
    assert not found(old, new).changed
