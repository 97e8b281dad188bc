"""Builds that reuse, on real dbt and a real DuckDB file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from floe_core.compiler import compile_product
from floe_core.execution import BuildEnded, BuildEvent, BuildRequest, NodeLog, NodeResult, build
from floe_core.execution.plan_of_run import plan_run
from floe_core.schemas import CompiledArtifacts

WriteProduct = Callable[..., Path]

FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: shop, version: 1.0.0}
platform: {manifest: manifest.yaml}
execution: {reuse: unchanged}
"""
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


def test_what_asks_the_warehouse_or_the_clock_is_never_reused(write_product: WriteProduct) -> None:
    asks = TABLE + "{% set x = run_query('select 1') %}select 1 as id"
    folder = product(write_product, asks=asks, clock=TABLE + "select now() as at")
    ends(folder, "1")
    plan = plan_run(CompiledArtifacts.load(folder), BuildRequest(job="shop", run_id="plan"))
    told = {i.split(".")[2]: each.why for i, each in plan.decisions.items()}
    assert told["asks"] == "never reused: run_query"
    assert told["clock"] == "never reused: now()"
    assert plan.decisions["model.shop.first"].action == "reuse"


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
