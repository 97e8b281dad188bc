"""A table that is built anew and comes to the same rows: what reads it stays, as plain dbt's would.

After each build, the tables are compared with those of plain `dbt build` in a copy of the product.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from beside_plain_dbt import MODELS, ORDERS, OTHER, TURNED, Shop, ShopOnPostgres, name_of
from own_database import SERVER, own_database

from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, NodeResult
from floe_core.execution.plan_of_run import plan_run
from floe_core.reuse import contents
from floe_core.runs.build_request import SlotAnswer
from floe_core.schemas import CompiledArtifacts

WriteProduct = Callable[..., Path]

TESTS = """\
models:
  - {name: orders, columns: [{name: id, data_tests: [not_null]}]}
  - {name: totals, columns: [{name: total, data_tests: [not_null]}]}
unit_tests:
  - name: sums
    model: totals
    given: [{input: ref('orders'), rows: [{id: 1, amount: 3}, {id: 2, amount: 4}]}]
    expect: {rows: [{total: 7}]}
"""
EVENTS = """\
{{{{ config(event_time='day') }}}}
select timestamp '2026-03-01' as day, 10 as amount union all select timestamp '2026-04-01', {}
"""
BATCHED = """\
{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='day',
          batch_size='year', begin='2026-01-01') }}
select * from {{ ref('events') }}
"""
OF_ORDERS, OF_TOTALS, UNIT = "not_null_orders_id", "not_null_totals_total", "sums"


class Slots:
    """Slots for everybody, and a list of who had one."""

    def __init__(self) -> None:
        self.had: list[str] = []

    def try_claim(self, pool: str, node_id: str) -> SlotAnswer:
        self.had.append(node_id)
        return "claimed"

    def free(self, pool: str, node_id: str) -> None:
        pass

    def how_to_limit(self, pool: str) -> str:
        return ""


@pytest.mark.quick
def test_what_reads_a_table_that_comes_to_the_same_rows_is_reused_as_any_other(
    write_product: WriteProduct,
) -> None:
    shop = Shop(write_product)
    shop.write("models/schema.yml", TESTS)
    every = {*MODELS, OF_ORDERS, OF_TOTALS, UNIT}
    assert shop.run() == every
    before = shop.told_of("model.shop.totals")[-1]
    shop.model("orders", TURNED)
    assert shop.run() == {"orders", OF_ORDERS}
    assert shop.ran_by_dbt() == {"orders"}
    # One result, and neither a start nor a word of dbt's.
    (left_out,) = shop.told_of("model.shop.totals")
    assert isinstance(left_out, NodeResult)
    assert left_out.reused is not None
    assert (left_out.reused.run_id, left_out.started_at) == ("1", None)
    (of_test,) = shop.told_of(next(iter(_ids(shop, OF_TOTALS))))
    assert isinstance(of_test, NodeResult)
    # The table that was built keeps its version: on Dagster, its readers are not stale.
    built = shop.told_of("model.shop.orders")[-1]
    assert isinstance(built, NodeResult)
    assert isinstance(before, NodeResult)
    shop.model("orders", OTHER)
    assert shop.run() == every
    changed = shop.told_of("model.shop.orders")[-1]
    assert isinstance(changed, NodeResult)
    assert changed.data_version != built.data_version
    assert shop.run() == set()


def test_what_reads_a_microbatch_model_is_reused_if_its_batches_come_to_the_same_rows(
    write_product: WriteProduct,
) -> None:
    shop = Shop(write_product, orders=BATCHED, events=EVENTS.format(20))
    assert shop.run() == {*MODELS, "events"}
    assert shop.run() == {"orders"}
    assert shop.results()["orders"] == "success"
    shop.model("events", EVENTS.format(30))
    assert shop.run() == {*MODELS, "events"}


def _ids(shop: Shop, name: str) -> set[str]:
    found = (e.unique_id for e in shop.events if isinstance(e, NodeResult))
    return {each for each in found if name_of(each) == name}


def test_a_table_of_the_moment_stops_at_its_rows(write_product: WriteProduct) -> None:
    shop = Shop(write_product, orders=f"{ORDERS} where now() > timestamptz '2020-01-01'")
    assert shop.run() == {*MODELS}
    assert shop.run() == {"orders"}
    assert shop.run() == {"orders"}


def test_seeds_snapshots_and_incremental_models_have_a_content_as_well(
    write_product: WriteProduct,
) -> None:
    grown = (
        "{{ config(materialized='incremental', unique_key='id') }} select * from {{ ref('raw') }}"
    )
    taken = (
        "{% snapshot taken %}{{ config(unique_key='id', strategy='check', check_cols=['amount'], "
        "target_schema='main') }} select * from {{ ref('raw') }}{% endsnapshot %}"
    )
    below = {
        name: f"select count(*) as rows from {{{{ ref('{name}') }}}}" for name in ("grown", "taken")
    }
    shop = Shop(write_product, grown=grown, **{f"of_{k}": v for k, v in below.items()})
    shop.write("snapshots/taken.sql", taken)
    shop.write("seeds/raw.csv", "id,amount\n1,10\n2,20\n")
    everything = {*MODELS, "raw", "grown", "taken", "of_grown", "of_taken"}
    compile_product(shop.ours)
    # dbt's own columns of a snapshot are times of the run, so tables of both sides differ.
    shop.tables = lambda folder: {}  # type: ignore[method-assign]
    assert shop.run() == everything
    # A second build shows whether they stay the same.
    assert shop.run() == {"grown", "taken"}
    assert shop.run() == set()
    shop.write("seeds/raw.csv", 'id,amount\n2,20\n"1",10\n')
    assert shop.run() == {"raw"}
    shop.write("seeds/raw.csv", "id,amount\n2,20\n1,11\n")
    assert shop.run() == everything - {*MODELS}


def test_a_snapshot_whose_rows_share_a_key_grows_with_each_run_as_in_dbt(
    write_product: WriteProduct,
) -> None:
    taken = (
        "{% snapshot taken %}{{ config(unique_key='one', strategy='check', check_cols='all', "
        "target_schema='main') }} select 1 as one, amount from {{ ref('orders') }}{% endsnapshot %}"
    )
    shop = Shop(write_product, orders="select 1 as amount union all select 2")
    shop.write("snapshots/taken.sql", taken)

    def count(folder: Path) -> dict[str, object]:
        with closing(duckdb.connect(str(folder / "shop.duckdb"))) as connection:
            return {"taken": connection.execute("select count(*) from taken").fetchone()}

    shop.tables = count  # type: ignore[method-assign]
    for _ in range(4):
        assert "taken" in shop.run()


@pytest.mark.parametrize(
    "reads",
    [
        "select id from {{ ref('orders') }} limit 1",
        "select list(id) as ids from {{ ref('orders') }}",
    ],
)
def test_where_the_order_of_rows_counts_below_what_is_built_anew_is_new(
    write_product: WriteProduct, reads: str
) -> None:
    shop = Shop(
        write_product,
        report=reads.replace("'orders'", "'copied'"),
        copied="select * from {{ ref('orders') }}",
    )
    assert shop.run() == {*MODELS, "copied"}
    shop.model("orders", TURNED)
    assert shop.run() == {*MODELS, "copied"}


def test_what_reads_a_failed_model_too_is_skipped_as_by_dbt(write_product: WriteProduct) -> None:
    both = "select total from {{ ref('totals') }}, {{ ref('other') }}"
    shop = Shop(write_product, other="select 1 as one", report=both)
    shop.run()
    shop.model("orders", TURNED)
    shop.model("other", "select 1 as one from {{ ref('orders') }} where no_such_column")
    shop.run()
    told = {"orders": "success", "totals": "reused", "other": "error", "report": "skipped"}
    assert shop.results() == told
    shop.model("other", "select 1 as one")
    assert shop.run() == {"other"}


def test_a_run_of_the_table_alone_leaves_what_reads_it_for_a_later_run_to_reuse(
    write_product: WriteProduct,
) -> None:
    shop = Shop(write_product)
    shop.run()
    shop.model("orders", TURNED)
    assert shop.run("model.shop.orders") == {"orders"}
    assert shop.run() == set()


def test_a_failure_before_does_not_make_the_content_unknown(write_product: WriteProduct) -> None:
    shop = Shop(write_product, orders=f"{ORDERS} where now() > timestamptz '2020-01-01'")
    shop.run()
    shop.model("orders", f"{ORDERS} where no_such_column")
    shop.run()
    shop.model("orders", TURNED)
    assert shop.run() == {"orders"}


@pytest.mark.parametrize(("asked", "built"), [("", {"orders", "totals"}), ("content", {"orders"})])
def test_a_large_table_is_hashed_where_its_meta_asks_for_it(
    write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch, asked: str, built: set[str]
) -> None:
    monkeypatch.setattr(contents, "CHEAP_ROWS", 1)
    meta = f"{{{{ config(meta={{'floe': {{'reuse': '{asked}'}}}}) }}}} " if asked else ""
    shop = Shop(write_product, orders=meta + ORDERS)
    assert shop.run() == {*MODELS}
    shop.model("orders", meta + TURNED)
    assert shop.run() == built
    assert shop.run() == set()


def test_what_is_left_out_takes_no_slot_of_its_pool(write_product: WriteProduct) -> None:
    pooled = "{{ config(meta={'floe': {'pool': 'few'}}) }} "
    shop = Shop(write_product, **{name: pooled + sql for name, sql in MODELS.items()})
    slots = Slots()
    shop.run(slots=slots)
    assert len(slots.had) == len(MODELS)
    shop.model("orders", pooled + TURNED)
    slots.had.clear()
    assert shop.run(slots=slots) == {"orders"}
    assert slots.had == ["model.shop.orders"]


def test_a_plan_says_whose_content_decides(write_product: WriteProduct) -> None:
    shop = Shop(write_product)
    shop.run()
    shop.model("orders", TURNED)
    compile_product(shop.ours)
    request = BuildRequest("shop", "plan")
    decisions = plan_run(CompiledArtifacts.load(shop.ours), request).decisions
    assert {i.split(".")[2]: (each.action, each.why) for i, each in decisions.items()} == {
        "orders": ("build", "its code changed"),
        "totals": ("build", "may be reused: depends on the content of orders"),
        "report": ("build", "may be reused: depends on the content of totals"),
    }


@pytest.fixture
def databases(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    monkeypatch.setenv("FLOE_TEST_PASSWORD", SERVER["password"])
    with own_database() as one, own_database() as other:
        yield one, other


def test_on_postgres_a_view_between_is_built_and_what_reads_it_is_not(
    write_product: WriteProduct, databases: tuple[str, str]
) -> None:
    """A table that is replaced takes its views with it."""
    here = Path.cwd()
    view = "{{ config(materialized='view') }} select id, amount from {{ ref('orders') }}"
    shop = ShopOnPostgres(
        write_product, databases, seen=view, totals=MODELS["totals"].replace("orders", "seen")
    )
    assert shop.run() == {*MODELS, "seen"}
    shop.model("orders", TURNED)
    assert shop.run() == {"orders", "seen"}
    shop.model("orders", OTHER)
    assert shop.run() == {*MODELS, "seen"}
    assert shop.run() == set()
    # Two threads that change the folder of a process at once may leave it changed.
    assert Path.cwd() == here
