"""The cache gives what reading the SQL gives, whatever became of its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from floe_core.reuse.queries import node_analyses
from floe_core.reuse.queries.analysis import Analysis, Input, analyse
from floe_core.reuse.queries.functions import Functions
from floe_core.reuse.queries.node_analyses import FILE, AnalysisCache

SQL = (
    'select a.id, b.name as label from "shop"."main"."a" a join "shop"."main"."b" b using (id)',
    'select * from "shop"."main"."a" where id > 1',
    "select now() as at",
    "no sql at all",
)
INPUTS = (
    Input("model.shop.a", "shop", "main", "a", ("id", "name")),
    Input("model.shop.b", "shop", "main", "b", None),
)
FUNCTIONS = Functions(frozenset({"upper"}))


def analyses(cache: AnalysisCache) -> list[Analysis]:
    return [cache.analyse(sql, "duckdb", INPUTS, FUNCTIONS) for sql in SQL]


def refuse(*_: object) -> Analysis:
    raise AssertionError("the SQL is read")


def test_what_is_kept_is_what_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [analyse(sql, "duckdb", INPUTS, FUNCTIONS) for sql in SQL]
    cache = AnalysisCache(tmp_path)
    assert analyses(cache) == expected
    cache.save()
    monkeypatch.setattr(node_analyses, "analyse", refuse)
    assert analyses(AnalysisCache(tmp_path)) == expected
    for others in [(INPUTS[:1], FUNCTIONS), (INPUTS, Functions(frozenset({"lower"})))]:
        with pytest.raises(AssertionError, match="the SQL is read"):
            AnalysisCache(tmp_path).analyse(SQL[0], "duckdb", *others)


def test_another_version_of_floe_reads_the_sql_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = AnalysisCache(tmp_path)
    expected = analyses(cache)
    cache.save()
    monkeypatch.setattr(node_analyses, "__version__", "0.0.1")
    assert analyses(AnalysisCache(tmp_path)) == expected
    monkeypatch.setattr(node_analyses, "analyse", refuse)
    with pytest.raises(AssertionError, match="the SQL is read"):
        analyses(AnalysisCache(tmp_path))


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", '{"edition": 0}'])
def test_a_damaged_file_is_no_cache(damage: str, tmp_path: Path) -> None:
    cache = AnalysisCache(tmp_path)
    expected = analyses(cache)
    cache.save()
    text = (tmp_path / FILE).read_text()
    for content in (damage, text.replace('"label"', '"other"'), text[:-5]):
        (tmp_path / FILE).write_text(content)
        assert analyses(AnalysisCache(tmp_path)) == expected


def test_only_what_is_used_is_kept_where_there_is_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_analyses, "_MOST", 2)
    first = AnalysisCache(tmp_path)
    first.analyse(SQL[0], "duckdb", INPUTS, FUNCTIONS)
    first.analyse(SQL[1], "duckdb", INPUTS, FUNCTIONS)
    first.save()
    second = AnalysisCache(tmp_path)
    second.analyse(SQL[2], "duckdb", INPUTS, FUNCTIONS)
    second.save()
    monkeypatch.setattr(node_analyses, "analyse", refuse)
    third = AnalysisCache(tmp_path)
    third.analyse(SQL[2], "duckdb", INPUTS, FUNCTIONS)
    with pytest.raises(AssertionError):
        third.analyse(SQL[0], "duckdb", INPUTS, FUNCTIONS)


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = AnalysisCache(tmp_path / "file")
    assert analyses(cache)
    cache.save()
