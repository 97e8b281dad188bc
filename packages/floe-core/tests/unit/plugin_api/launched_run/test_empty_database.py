from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from floe_core.plugin_api.launched_run.empty_database import EmptyDatabase


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder in which copies are kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "floe" / "databases"


@pytest.fixture
def migrated(tmp_path: Path) -> Path:
    return with_table(tmp_path / "migrated.db", "runs")


def with_table(file: Path, name: str) -> Path:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"create table {name} (id text)")
    return file


def tables(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return [name for (name,) in connection.execute("select name from sqlite_master")]


@pytest.mark.usefixtures("cache")
def test_a_database_is_copied_once_one_was_kept(tmp_path: Path, migrated: Path) -> None:
    empty = EmptyDatabase("prefect-3.7.7")
    assert not empty.copy_to(tmp_path / "new.db")
    assert not (tmp_path / "new.db").exists()
    empty.keep(migrated)
    assert empty.copy_to(tmp_path / "new.db")
    assert tables(tmp_path / "new.db") == ["runs"]


@pytest.mark.usefixtures("cache")
def test_a_database_that_is_there_stays_as_it_is(tmp_path: Path, migrated: Path) -> None:
    empty = EmptyDatabase("prefect-3.7.7")
    empty.keep(migrated)
    other = with_table(tmp_path / "other.db", "flows")
    assert empty.copy_to(other)
    assert tables(other) == ["flows"]


def test_a_copy_that_cannot_be_read_is_none(tmp_path: Path, cache: Path, migrated: Path) -> None:
    empty = EmptyDatabase("prefect-3.7.7")
    empty.keep(migrated)
    [kept] = cache.iterdir()
    kept.write_bytes(b"no database" * 1000)
    assert not empty.copy_to(tmp_path / "new.db")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "migrated.db"]


def test_another_version_has_a_copy_of_its_own(tmp_path: Path, cache: Path, migrated: Path) -> None:
    EmptyDatabase("prefect-3.7.7").keep(migrated)
    assert not EmptyDatabase("prefect-3.8.0").copy_to(tmp_path / "new.db")
    assert [path.name for path in cache.iterdir()] == ["prefect-3.7.7.db"]


def test_a_cache_that_cannot_be_written_is_none(
    tmp_path: Path, cache: Path, migrated: Path
) -> None:
    cache.parent.parent.write_text("a file")
    empty = EmptyDatabase("prefect-3.7.7")
    empty.keep(migrated)
    assert not empty.copy_to(tmp_path / "new.db")
