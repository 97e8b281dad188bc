"""Hooks and macros that read a node's `meta`, tags or columns: a change there builds it again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from reusing_product import FLOE

from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, NodeResult, build
from floe_core.schemas import CompiledArtifacts

WriteProduct = Callable[..., Path]

MODEL = "{{{{ config(materialized='table'{}) }}}} select 'a' as k"
HOOK = ', post_hook="{{ mark(model) }}"'
SIGNATURE = (
    "duckdb__create_table_as(temporary, relation, compiled_code, language='sql', "
    "partitioned_by=none, sorted_by=none)"
)
# dbt knows nothing of a node's properties when it parses the hook.
MARK = (
    "{% macro mark(node) %}{% if execute %}insert into {{ this }} values ('{{ TOLD }}')"
    "{% endif %}{% endmacro %}"
)
CREATE = (
    f"{{% macro {SIGNATURE} %}}create or replace table {{{{ relation }}}} as "
    "select * from ({{ compiled_code }}) union all select '{{ TOLD }}'{% endmacro %}"
)
PROPERTIES = """\
models:
  - name: told
    config: {tags: [TAG], meta: {owner: OWNER}}
    columns: [{name: k, config: {meta: {mask: MASK}}}]
"""


def properties(**values: str) -> str:
    text = PROPERTIES
    for name in ("TAG", "OWNER", "MASK"):
        text = text.replace(name, values.get(name, "one"))
    return text


def status_of_build(folder: Path, run_id: str) -> str:
    compile_product(folder)
    events = build(CompiledArtifacts.load(folder), BuildRequest(job="shop", run_id=run_id))
    [result] = (each for each in events if isinstance(each, NodeResult))
    return result.status


def values_in(folder: Path) -> list[str]:
    with duckdb.connect(str(folder / "shop.duckdb"), read_only=True) as connection:
        return sorted(value for (value,) in connection.execute("select k from told").fetchall())


@pytest.mark.parametrize(
    ("macro", "told", "changed"),
    [
        (MARK, "node.tags[0]", "TAG"),
        (MARK, "node.config.meta.owner", "OWNER"),
        (MARK, "model.columns['k'].config.meta.mask", "MASK"),
        (CREATE, "model.tags[0]", "TAG"),
        (CREATE, "config.get('meta').owner", "OWNER"),
    ],
)
def test_what_a_macro_reads_of_a_node_counts(
    macro: str, told: str, changed: str, write_product: WriteProduct
) -> None:
    folder = write_product(floe=FLOE, told=MODEL.format(HOOK if macro is MARK else ""))
    (folder / "macros").mkdir()
    (folder / "macros" / "own.sql").write_text(macro.replace("TOLD", told))
    (folder / "models" / "told.yml").write_text(properties())
    statuses = [status_of_build(folder, run_id) for run_id in ("1", "2")]
    assert (statuses, values_in(folder)) == (["success", "reused"], ["a", "one"])
    (folder / "models" / "told.yml").write_text(properties(**{changed: "two"}))
    assert (status_of_build(folder, "3"), values_in(folder)) == ("success", ["a", "two"])


@pytest.mark.parametrize("told", ["model.created_at", "model['build_path']", "invocation_id"])
def test_a_value_of_a_hook_that_the_parse_or_the_run_makes_is_new_each_time(
    told: str, write_product: WriteProduct
) -> None:
    hook = f""", post_hook="insert into {{{{ this }}}} values ('{{{{ {told} }}}}')\""""
    folder = write_product(floe=FLOE, told=MODEL.format(hook))
    assert [status_of_build(folder, run_id) for run_id in ("1", "2")] == ["success", "success"]


@pytest.mark.parametrize("told", ["invocation_id", "run_started_at", "target.threads"])
def test_what_a_macro_reads_of_the_run_is_new_each_time(
    told: str, write_product: WriteProduct
) -> None:
    folder = write_product(floe=FLOE, told=MODEL.format(""))
    (folder / "macros").mkdir()
    (folder / "macros" / "own.sql").write_text(CREATE.replace("TOLD", told))
    assert [status_of_build(folder, run_id) for run_id in ("1", "2")] == ["success", "success"]
