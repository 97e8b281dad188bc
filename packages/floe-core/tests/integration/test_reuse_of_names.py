"""The case of a column's name is part of what reads it, where names of other case mean the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from reusing_product import FLOE

from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, NodeResult, build

TABLE = "{{ config(materialized='table') }} "
FIRST = "{{ ref('first') }}"
# What the reader selects; its names and values as JSON, before and after.
READERS = {
    "all columns": (f"select * from {FIRST}", '{"Customer_Id":1,"More":{"Key":2}}'),
    "one column": (f"select customer_id from {FIRST}", '{"Customer_Id":1}'),
    "through a query": (
        f"with c as (select * from {FIRST}) select customer_id from c",
        '{"Customer_Id":1}',
    ),
    "a row": (f"select to_json(f) as x from {FIRST} f", '{"x":{"Customer_Id":1,"More":{"Key":2}}}'),
    "a struct": (f"select more as x from {FIRST}", '{"x":{"Key":2}}'),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("materialized", ["table", "view"])
def test_another_case_of_a_name_reaches_what_reads_it(
    reader: str, materialized: str, write_product: Callable[..., Path]
) -> None:
    sql, expected = READERS[reader]
    folder = write_product(floe=FLOE, reads=TABLE + sql, last=TABLE + "from {{ ref('reads') }}")
    found = []
    for run_id, id_, key in (("1", "Customer_Id", "Key"), ("2", "customer_id", "key")):
        text = f"select 1 as {id_}, {{'{key}': 2}} as {'More' if run_id == '1' else 'more'}"
        config = f"{{{{ config(materialized='{materialized}') }}}} "
        (folder / "models/first.sql").write_text(config + text)
        found.append(_rows_of_last(folder, run_id))
    assert found == [expected, expected.lower()]


def test_another_case_elsewhere_builds_nothing_that_reads_the_column(
    write_product: Callable[..., Path],
) -> None:
    reads = f"{TABLE} select id from {FIRST}"
    first = TABLE + "select 1 as id, 2 as Other"
    folder = write_product(floe=FLOE, first=first, reads=reads)
    _ends(folder, "1")
    (folder / "models/first.sql").write_text(first.replace("Other", "other"))
    assert _ends(folder, "2") == {"first": "success", "reads": "reused"}


def _rows_of_last(folder: Path, run_id: str) -> str:
    _ends(folder, run_id)
    with duckdb.connect(str(folder / "shop.duckdb")) as warehouse:
        return str(warehouse.execute("select to_json(l) from last l").fetchall()[0][0])


def _ends(folder: Path, run_id: str) -> dict[str, str]:
    """Return node name -> status of a build."""
    events = build(compile_product(folder), BuildRequest("shop", run_id))
    return {e.unique_id.split(".")[2]: e.status for e in events if isinstance(e, NodeResult)}
