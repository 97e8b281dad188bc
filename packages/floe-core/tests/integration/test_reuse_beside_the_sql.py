"""What changes a table's rows beside its SQL: configuration, hooks, and the table itself.

After each build, the tables are compared with those of plain `dbt build` in a copy of the product.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from beside_plain_dbt import Shop

from floe_core.compiler.code.reuse_facts import ReuseFactsReader
from floe_core.execution.plan_of_run import plan_run
from floe_core.runs.build_request import PLAN_RUN_ID, BuildRequest
from floe_core.schemas import CompiledArtifacts

WriteProduct = Callable[..., Path]

TABLE = "{{ config(materialized='table') }}\n"
READER = TABLE + "select amount from {{ ref('halved') }}"
HALVED = "select 7 / 2 * 10 as amount"
HEADER = "set integer_division={value};"
CALLED = "{{% call set_sql_header(config) %}}\n{header}\n{{% endcall %}}\n"


def with_header(value: str, *, is_called: bool) -> str:
    header = HEADER.format(value=value)
    if is_called:
        return TABLE + CALLED.format(header=header) + HALVED
    return f"{{{{ config(materialized='table', sql_header='{header}') }}}}\n{HALVED}"


@pytest.mark.parametrize("is_called", [False, True])
def test_what_reads_a_table_with_another_header_is_built(
    is_called: bool, write_product: WriteProduct
) -> None:
    plain = with_header("false", is_called=is_called)
    shop = Shop(write_product, halved=plain, reader=READER)
    shop.run()
    shop.model("halved", with_header("true", is_called=is_called))
    assert shop.run() == {"halved", "reader"}
    assert shop.run() == set()


def test_what_no_fact_shows_reaches_the_readers_in_the_next_run(
    write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ReuseFactsReader, "_content", lambda reader, entry: "")
    shop = Shop(write_product, halved=with_header("false", is_called=False), reader=READER)
    shop.run()
    shop.model("halved", with_header("true", is_called=False))
    with pytest.raises(AssertionError):
        shop.run()
    assert (shop.results()["halved"], shop.results()["reader"]) == ("success", "reused")
    planned = plan_run(CompiledArtifacts.load(shop.ours), BuildRequest("shop", PLAN_RUN_ID))
    assert planned.decisions["model.shop.reader"].why == "halved is new"
    assert shop.run() == {"reader"}
    assert shop.run() == set()


FILL = (
    "{% macro fill(into) %}{% if execute %}insert into {{ into }} "
    "select amount from {{ ref('src') }}{% endif %}{% endmacro %}"
)
BUMP = "{% macro bump() %}update main.orders set amount = amount + 1{% endmacro %}"
MARK = "{% macro mark(into) %}insert into {{ into }} values (-1){% endmacro %}"


CONFIG = "{{{{ config(post_hook={!r}) }}}}\n"
READING = {
    "filled_by_macro": "{{ fill(this) }}",
    "filled_by_ref": "insert into {{ this }} select amount from {{ ref('src') }}",
    "filled_by_name": "insert into {{ this }} select amount from main.src",
    "filled_by_cte": "insert into {{ this }} with src as (select amount from main.src) "
    "select amount from src",
    "filled_by_cte_of_its_name": "insert into {{ this }} with src as (select amount from src) "
    "select amount from src",
    "filled_by_branch": "{% set from = this %}{% if execute %}{% set from = ref('src') %}{% endif %}"
    "insert into {{ this }} select amount from {{ from }}",
    "filled_by_text": "{% set amount = run_query('select max(amount) from main.src') %}"
    "insert into {{ this }} select length('{{ amount.columns[0][0] if execute }}')",
    "filled_at_times": "insert into {{ this }} select extract(epoch from now())::int % 2",
}
DEPENDS = "-- depends_on: {{ ref('src') }}\n"


def test_what_a_hook_reads_is_new_in_every_run(write_product: WriteProduct) -> None:
    models = {
        name: CONFIG.format(hook) + DEPENDS + "select 0 as amount" for name, hook in READING.items()
    }
    shop = Shop(write_product, src="select 1 as amount", **models)
    shop.write("macros/fill.sql", FILL)
    # Two moments are never the same on both sides.
    shop.tables = _without(shop.tables, "filled_at_times")  # type: ignore[method-assign]
    shop.run()
    assert shop.run() == {*models}
    shop.model("src", "select 2 as amount")
    assert shop.run() == {"src", *models}


def _without(tables: Callable[[Path], dict[str, Any]], name: str) -> Callable[[Path], Any]:
    return lambda folder: {k: rows for k, rows in tables(folder).items() if k != name}


WRITING = {
    "bumped": "{{ bump() }}",
    "updated": "update main.updated_orders set amount = amount + 1",
    "by_ref": "update {{ ref('ref_orders') }} set amount = amount + 1",
    "by_branch": "{% set to = this %}{% if execute %}{% set to = ref('branch_orders') %}{% endif %}"
    "update {{ to }} set amount = amount + 1",
    "by_name_in_quotes": "update {{ ref('quoted_orders') }} set amount = amount + 1",
}


def test_a_hook_that_writes_another_table_runs_in_every_run_and_so_does_that_table(
    write_product: WriteProduct,
) -> None:
    names = ("orders", "updated_orders", "ref_orders", "branch_orders", "quoted_orders")
    tables = dict(zip(WRITING, names, strict=True))
    parents = {name: f"-- depends_on: {{{{ ref('{table}') }}}}\n" for name, table in tables.items()}
    writers = {
        name: CONFIG.format(hook) + parents[name] + "select 1 as one"
        for name, hook in WRITING.items()
    }
    orders = dict.fromkeys(tables.values(), "select 1 as id, 10 as amount")
    orders["quoted_orders"] = f"{{{{ config(alias='Some Table') }}}} {orders['orders']}"
    shop = Shop(write_product, **orders, **writers, other="select 1 as one")
    shop.write("macros/bump.sql", BUMP)
    shop.run()
    assert shop.run() >= {*orders, *writers}
    shop.model("orders", "select 5 as id, 50 as amount")
    assert "other" not in shop.run()


OF_ITSELF = {
    "added": "insert into {{ this }} values (-1)",
    "marked": "{{ mark(this) }}",
    "indexed": "create index if not exists by_amount on {{ this }} (amount)",
    "analyzed": "analyze {{ this }}",
    "cleaned": "delete from {{ this }} where amount = 3",
    "commented": "comment on table {{ this }} is $$ from orders, into reports $$",
}


def test_a_node_whose_hooks_name_itself_alone_is_reused(write_product: WriteProduct) -> None:
    select = "select amount from {{ ref('orders') }}"
    models = {name: CONFIG.format(hook) + select for name, hook in OF_ITSELF.items()}
    shop = Shop(write_product, **models)
    shop.write("macros/mark.sql", MARK)
    shop.run()
    assert shop.run() == set()
    shop.model("orders", "select 1 as id, 4 as amount union all select 2, 3")
    assert {"orders", *models} <= shop.run()
    # A hook changes rows, so it changes what reads them.
    shop.model("report", "select count(*) as count from {{ ref('cleaned') }}")
    shop.run()
    shop.model("cleaned", CONFIG.format(OF_ITSELF["cleaned"].replace("3", "4")) + select)
    assert shop.run() == {"cleaned", "report"}


INCREMENTAL = "{{ config(materialized='incremental', unique_key='id') }}\n"
COUNTED = (
    INCREMENTAL + "select o.id, {% if is_incremental() %}coalesce(t.n, 0) + 1{% else %}1{% endif %}"
    " as n from {{ ref('orders') }} o"
    "{% if is_incremental() %} left join {{ this }} t on t.id = o.id{% endif %}"
)
NEWER = "{% if is_incremental() %} where id > (select max(id) from {{ this }}){% endif %}"
AGAIN = NEWER.replace(">", ">=")
GROWN = INCREMENTAL + "select id, amount from {{ ref('orders') }}"
APPENDED = "{{ config(materialized='incremental') }}\nselect id, amount from {{ ref('orders') }}"
SHIFTED = (
    "{{ config(materialized='incremental') }}\nselect id - 1 as id, amount from {{ ref('orders') }}"
)
OF_SHARED_KEY = (
    INCREMENTAL.replace("'id'", "'one'") + "select id, amount, 1 as one from {{ ref('orders') }}"
)
CAPPED = (
    INCREMENTAL + "select id, least(amount, 12"
    "{% if is_incremental() %} + (select count(*) from {{ this }}){% endif %}) as amount "
    "from {{ ref('orders') }}"
)


OWN_ROWS = {
    "counted": COUNTED,
    "counted_again": COUNTED.replace("left join", "join"),
    "again_by_key": GROWN.replace("amount from", "amount + id as amount from") + AGAIN,
    "again_by_shared_key": OF_SHARED_KEY + AGAIN,
    "by_no_key": GROWN.replace("select id", "select nullif(id, 1) as id"),
    "merged": OF_SHARED_KEY.replace("'id'", "'id', incremental_strategy='merge'"),
    "appended": APPENDED,
    "newer": APPENDED + NEWER,
    "again": APPENDED + AGAIN,
    "shifted": SHIFTED + NEWER,
    "shifted_again": SHIFTED + AGAIN,
    "first_only": APPENDED + "{% if is_incremental() %} where id = 1{% endif %}",
    "unknown": APPENDED
    + "{% if is_incremental() %} where id not in (select id from {{ this }}){% endif %}",
    "capped": CAPPED,
    "hooked": GROWN.replace("'id'", "'id', post_hook='update {{ this }} set amount = amount + 1'"),
    "grown": GROWN,
}


def test_what_reads_its_own_rows_is_reused_only_if_it_comes_to_the_same(
    write_product: WriteProduct,
) -> None:
    shop = Shop(write_product, **OWN_ROWS)
    for _ in range(4):
        built = shop.run()
    assert built & {"newer", "grown", "unknown", "again_by_key"} == set()
    shop.model("orders", "select 3 as id, 11 as amount union all select 4, 12")
    assert built < shop.run()
    # What takes only newer rows of its parent comes to the same without a second look.
    assert "newer" not in shop.run()
    # What came to the same once is reused too.
    assert shop.run() & {"unknown", "grown", "again_by_key"} == set()
