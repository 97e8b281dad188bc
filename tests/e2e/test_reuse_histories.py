"""After any history of changes, the tables under reuse are those of plain dbt."""

from __future__ import annotations

from pathlib import Path

import pytest
from changing_product import KINDS, ChangingProduct, Model
from history_warehouses import NOW, SPECIAL, warehouse_of
from reuse_histories import History, Score, run_history


def check(score: Score) -> None:
    """Fail where a table differs, where too little is built, or more than a tenth too much."""
    assert score.wrong == []
    assert score.is_within_bounds, (score.too_little, score.too_much)


def test_each_node_has_what_is_said_of_it_in_its_files(tmp_path: Path) -> None:
    product = ChangingProduct(1, 40, SPECIAL, NOW, is_worldly=True, collations=("-",))
    for model in product.order():
        if model.kind == "seed":
            before = written(product, tmp_path)
            model.seed_type = "bigint"
            assert written(product, tmp_path) != before, model.name
        if model.kind in (*KINDS, "seed"):
            before = written(product, tmp_path)
            model.described += 1
            assert written(product, tmp_path) != before, model.name


def written(product: ChangingProduct, folder: Path) -> dict[Path, str]:
    product.write(folder, "main")
    return {each: each.read_text() for each in folder.rglob("*.*") if each.is_file()}


@pytest.mark.parametrize(
    ("kind", "types"),
    [
        ("duckdb", ("int", "bigint", "decimal(9,0)")),
        ("postgres", ("int", "bigint", "numeric(9)", "numeric(8)")),
    ],
)
def test_tables_with_equal_rows_of_other_types_differ(
    kind: str, types: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "ours").mkdir()
    with warehouse_of(kind) as warehouse:
        found = []
        for each in types:
            for sql in ("drop table if exists t", f"create table t as select 1::{each} as id"):
                warehouse.execute(tmp_path / "ours", sql)
            found.append(repr(warehouse.contents(tmp_path / "ours", ["t"])))
    assert len(set(found)) == len(types), found


def test_extensions_that_duckdb_has_built_in_need_no_network(tmp_path: Path) -> None:
    with warehouse_of("duckdb") as warehouse:
        history = History(1, tmp_path, warehouse, 12)
        history.step("first build", lambda: None)
        history.step("change_extensions", history.wider.change_extensions)
    check(history.score)


def ephemeral_parents(history: History) -> list[Model]:
    models = history.product.order()
    above = {parent for model in models for parent in model.parents}
    return [m for m in models if m.materialized == "ephemeral" and m.name in above]


def test_the_header_of_an_ephemeral_model_is_in_no_query(tmp_path: Path) -> None:
    with warehouse_of("duckdb") as warehouse:
        histories = (History(seed, tmp_path / str(seed), warehouse, 20) for seed in range(40))
        history, ephemeral = next((h, m) for h in histories for m in ephemeral_parents(h))
        history.step("first build", lambda: None)
        history.step("change_header", lambda: setattr(ephemeral.around, "header", "-- header 7"))
    check(history.score)


def test_a_short_history_equals_plain_dbts() -> None:
    check(run_history(seed=1, steps=2, size=12))


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(1))
def test_a_history_equals_plain_dbts(seed: int) -> None:
    check(run_history(seed, steps=4, size=16))


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(1))
def test_a_history_on_postgres_equals_plain_dbts(seed: int) -> None:
    check(run_history(seed, steps=4, size=16, kind="postgres"))


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", range(300))
def test_three_hundred_histories_on_postgres_equal_plain_dbts(seed: int) -> None:
    check(run_history(seed, kind="postgres"))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(300))
def test_three_hundred_histories_equal_plain_dbts(seed: int) -> None:
    check(run_history(seed))
