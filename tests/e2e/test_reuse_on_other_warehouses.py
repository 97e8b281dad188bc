"""`execution.reuse` on SQLite and Snowflake's adapter: the tables are those of plain dbt.

fakesnow, which answers Snowflake's adapter, imitates Snowflake with DuckDB.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from other_warehouses import ROOT, Warehouse, opened
from reuse_elsewhere import NEVER, RELATIONS, STEPS, TEST, Shop

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

HISTORIES = ROOT / "tests" / "products" / "reuse_histories.py"


@pytest.fixture(scope="module", params=["snowflake", "sqlite"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def warehouse(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with opened(kind, tmp_path_factory.mktemp(kind), is_local=True) as found:
        yield found


def test_a_history_builds_what_it_has_to_and_no_more(
    kind: str, warehouse: Warehouse, tmp_path: Path
) -> None:
    shop = Shop(kind, warehouse, tmp_path)
    assert shop.build() == {*RELATIONS, TEST}
    for step in STEPS:
        step.change(shop)
        built = shop.build()
        assert (step.name, built) == (step.name, {*NEVER, *step.builds})
        assert (step.name, shop.contents(shop.ours)) == (step.name, shop.contents(shop.plain))
    told = {name: why for name, (action, why) in shop.planned().items() if name in NEVER}
    assert told == NEVER


def test_random_histories_equal_plain_dbts(kind: str, warehouse: Warehouse, tmp_path: Path) -> None:
    place = kind
    if kind == "snowflake":
        place = f"snowflake:{port_of(warehouse, tmp_path)}"
    arguments = ("0", "5", place, "5", "16")
    # It ends with 1 where a table differs, or where too little or too much is built.
    arguments = ("0", "5", place, "5", "16")
    warehouse.call("python", HISTORIES, *arguments, cwd=tmp_path, codes=(0,))


def port_of(warehouse: Warehouse, folder: Path) -> str:
    """Return the port at which fakesnow listens."""
    return warehouse.compute(folder).partition("port: ")[2].partition(",")[0]
