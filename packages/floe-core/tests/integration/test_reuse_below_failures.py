"""Nodes that a run would reuse, downstream of what fails: skipped where plain dbt skips them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from reusing_product import FLOE
from warm_floe import dbt

from floe_core.compiler import compile_product
from floe_core.execution import BuildEnded, BuildRequest, NodeResult, build

SCHEMA = """\
models:
  - name: middle
    columns: [{name: id, data_tests: [{accepted_values: {arguments: {values: [1]}}}]}]
unit_tests:
  - name: copies
    model: middle
    given: [{input: ref('first'), rows: [{id: 5}]}]
    expect: {rows: [{id: 5}]}
"""
MIDDLE = "{{ config(materialized='table') }} select id, 1 as unread from {{ ref('first') }}"
MODELS = {
    "first": "select 1 as id",
    "middle": MIDDLE,
    "reader": "select id from {{ ref('middle') }}",
    "last": "{{ config(materialized='table') }} select * from {{ ref('reader') }}",
    "beside": "select * from {{ ref('first') }}",
}
# Name -> the file that changes, and what it changes to.
FAILURES = {
    "a unit test": (
        "models/schema.yml",
        SCHEMA.replace("expect: {rows: [{id: 5}", "expect: {rows: [{id: 6}"),
    ),
    "a test of a reused model": ("models/schema.yml", SCHEMA.replace("[1]", "[2]")),
    "a model": ("models/middle.sql", MIDDLE.replace("1 as unread", "cast('x' as int) as unread")),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_what_would_be_reused_is_skipped_below_a_failure(
    failure: str, write_product: Callable[..., Path]
) -> None:
    folder = write_product(floe=FLOE, **MODELS)
    (folder / "models/schema.yml").write_text(SCHEMA)
    assert {*_ends(folder, "1").values()} == {"success", "pass"}
    path, changed = FAILURES[failure]
    before = (folder / path).read_text()
    (folder / path).write_text(changed)
    ours = _ends(folder, "2")
    assert {i for i, status in ours.items() if status == "skipped"} == _skipped_by_dbt(folder)
    assert ours["model.shop.last"] == "skipped"
    assert ours["model.shop.beside"] == "reused"

    (folder / path).write_text(before)
    again = _ends(folder, "3")
    assert {again[f"model.shop.{name}"] for name in ("reader", "last", "beside")} == {"reused"}
    if again["model.shop.middle"] == "success":
        order = [*again]
        assert order.index("model.shop.beside") < order.index("model.shop.middle")
        assert order.index("model.shop.middle") < order.index("model.shop.reader")


def _ends(folder: Path, run_id: str) -> dict[str, str]:
    """Return node id -> status of a build."""
    events = [*build(compile_product(folder), BuildRequest("shop", run_id))]
    ends = {each.unique_id: each.status for each in events if isinstance(each, NodeResult)}
    is_green = {*ends.values()} <= {"success", "pass", "reused"}
    assert isinstance(events[-1], BuildEnded)
    assert events[-1].succeeded == is_green
    return ends


def _skipped_by_dbt(folder: Path) -> set[str]:
    dbt("-q", "build", "--target-path", "plain", cwd=folder, check=False)
    results = json.loads((folder / "plain" / "run_results.json").read_text())["results"]
    return {each["unique_id"] for each in results if each["status"] == "skipped"}
