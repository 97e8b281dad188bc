"""`execution.reuse` on SQLite, Snowflake's adapter, Spark and Iceberg: the tables are those of plain dbt.

fakesnow, which answers Snowflake's adapter, imitates Snowflake with DuckDB.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from other_warehouses import Warehouse, opened
from reuse_elsewhere import (
    AT_ONCE,
    HISTORIES,
    NEVER,
    RELATIONS,
    TEST,
    WAITING,
    Shop,
    Step,
    always_built,
    steps_on,
)

from floe_warehouses.spark.functions import STEADY

# Prints which functions are unknown, or vary by their own words.
ASK = """
def told(name):
    rows = session.sql(f"describe function extended {name}").collect()
    return " ".join(str(row[0]) for row in rows)
names = json.loads(sys.argv[1])
texts = {name: told(name) for name in names}
print(json.dumps([n for n in names if "determ" in texts[n] or "Usage" not in texts[n]]))
"""
pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module", params=["snowflake", "spark", "sqlite", "iceberg"])
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
    always = {*always_built(kind), *WAITING.get(kind, ())}
    for steps in batched(steps_on(kind), AT_ONCE.get(kind, 1)):
        for step in steps:
            step.change(shop)
        names = [step.name for step in steps]
        assert (names, shop.build()) == (names, always.union(*(step.builds for step in steps)))
        assert (names, shop.contents(shop.ours)) == (names, shop.contents(shop.plain))
    told = {name: why for name, (action, why) in shop.planned().items() if name in NEVER}
    assert {name: told[name] for name in always_built(kind)} == always_built(kind)


def test_random_histories_equal_plain_dbts(kind: str, warehouse: Warehouse, tmp_path: Path) -> None:
    if kind in ("spark", "iceberg"):
        pytest.skip("a process has one session of Spark, and histories build twice in each")
    place = kind
    if kind == "snowflake":
        place = f"snowflake:{port_of(warehouse, tmp_path)}"
    # It ends with 1 where a table differs, or where too little or too much is built.
    arguments = ("0", "5", place, "5", "16")
    warehouse.call("python", HISTORIES, *arguments, cwd=tmp_path, codes=(0,))


def test_spark_calls_no_listed_function_non_deterministic(
    kind: str, warehouse: Warehouse, tmp_path: Path
) -> None:
    if kind != "spark":
        pytest.skip("only Spark's functions say it of themselves")
    program = warehouse.reader(tmp_path).rpartition("print(")[0] + ASK
    names = json.dumps(sorted(STEADY))
    shown = warehouse.call("python", "-c", program, names, cwd=tmp_path, codes=(0,))
    assert json.loads(shown.splitlines()[-1]) == []


def batched(steps: Sequence[Step], size: int) -> Iterator[Sequence[Step]]:
    """Yield the steps, so many at once."""
    return (steps[start : start + size] for start in range(0, len(steps), size))


def port_of(warehouse: Warehouse, folder: Path) -> str:
    """Return the port at which fakesnow listens."""
    return warehouse.compute(folder).partition("port: ")[2].partition(",")[0]
