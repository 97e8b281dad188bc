"""Which sources a build takes for unchanged, on real dbt and a real DuckDB file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from reusing_product import FLOE

from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, NodeResult, build
from floe_core.foundation.errors import InvalidProductError
from floe_core.schemas import CompiledArtifacts

WriteProduct = Callable[..., Path]

SOURCES = """\
sources:
  - name: raw
    schema: main
    loaded_at_field: loaded_at
    tables:
      - name: dated
      - {name: hidden, config: {meta: {floe: {reuse: NEVER}}}}
"""
READS = "{{ config(materialized='table') }}\nselect id from {{ source('raw', 'NAME') }}"


def product(write_product: WriteProduct, never: str) -> Path:
    names = ("dated", "hidden")
    folder = write_product(floe=FLOE, **{f"of_{n}": READS.replace("NAME", n) for n in names})
    (folder / "models" / "sources.yml").write_text(SOURCES.replace("NEVER", never))
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        for name in names:
            connection.execute(f"create table {name} as select 1 as id, now() as loaded_at")
    return folder


def ends(folder: Path, run_id: str) -> dict[str, str]:
    """Build, and return node name -> status."""
    compile_product(folder)
    events = build(CompiledArtifacts.load(folder), BuildRequest(job="shop", run_id=run_id))
    found = (each for each in events if isinstance(each, NodeResult))
    return {each.unique_id.split(".")[2]: each.status for each in found}


def test_a_source_that_says_never_is_new_in_every_run(write_product: WriteProduct) -> None:
    folder = product(write_product, "never")
    ends(folder, "1")
    assert ends(folder, "2") == {"of_dated": "reused", "of_hidden": "success"}


ON_RUN_START = """\
name: shop
version: 1.0.0
profile: shop
on-run-start:
  - create table if not exists other (id int)
  - create or replace table loaded as select {{ env_var('SHOP_ID', '1') }} as id
"""
LOADED = """\
sources:
  - name: main
    tables:
      - {name: loaded, config: {meta: {floe: {reuse: content}}}}
      - {name: other, config: {meta: {floe: {reuse: content}}}}
"""


def test_a_source_that_a_hook_of_the_run_writes_is_new_in_every_run(
    write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = "{{ config(materialized='table') }} select id from {{ source('main', 'NAME') }}"
    models = {f"of_{name}": reads.replace("NAME", name) for name in ("loaded", "other")}
    folder = write_product(floe=FLOE, dbt_project=ON_RUN_START, **models)
    (folder / "models" / "sources.yml").write_text(LOADED)
    ends(folder, "1")
    ends(folder, "2")
    monkeypatch.setenv("SHOP_ID", "2")
    assert ends(folder, "3") == {"of_loaded": "success", "of_other": "reused"}
    with duckdb.connect(str(folder / "shop.duckdb"), read_only=True) as connection:
        assert connection.execute("select id from of_loaded").fetchall() == [(2,)]


@pytest.mark.quick
@pytest.mark.parametrize("policy", ["sometimes", "{lagTolerance: 1 h}"])
def test_a_source_refuses_what_only_a_model_may_say(
    policy: str, write_product: WriteProduct
) -> None:
    folder = product(write_product, policy)
    with pytest.raises(InvalidProductError) as caught:
        compile_product(folder)
    assert "models/sources.yml: meta.floe of source.shop.raw.hidden: reuse: " in str(caught.value)
    fix = "fix: write 'content' to have its rows hashed, or 'never' if it is always new"
    assert fix in str(caught.value)
