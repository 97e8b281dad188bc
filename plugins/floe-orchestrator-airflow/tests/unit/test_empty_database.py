from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from floe_orchestrator_airflow.local import empty_database
from floe_orchestrator_airflow.local.empty_database import (
    copy_empty_database,
    keep_empty_database,
)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder in which copies are kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "floe" / "airflow"


@pytest.fixture
def migrated(tmp_path: Path) -> Path:
    file = tmp_path / "migrated.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("create table dag (dag_id text)")
    return file


def tables(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return [name for (name,) in connection.execute("select name from sqlite_master")]


@pytest.mark.usefixtures("cache")
def test_a_database_is_copied_once_one_was_kept(tmp_path: Path, migrated: Path) -> None:
    assert not copy_empty_database(tmp_path / "new.db")
    assert not (tmp_path / "new.db").exists()
    keep_empty_database(migrated)
    assert copy_empty_database(tmp_path / "new.db")
    assert tables(tmp_path / "new.db") == ["dag"]


def test_a_copy_that_cannot_be_read_is_none(tmp_path: Path, cache: Path, migrated: Path) -> None:
    keep_empty_database(migrated)
    [kept] = cache.iterdir()
    kept.write_bytes(b"no database" * 1000)
    assert not copy_empty_database(tmp_path / "new.db")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "migrated.db"]


def test_another_version_of_airflow_has_a_copy_of_its_own(
    tmp_path: Path, cache: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_empty_database(migrated)
    monkeypatch.setattr(empty_database, "version", lambda _: "9.9")
    assert not copy_empty_database(tmp_path / "new.db")
    assert len(list(cache.iterdir())) == 1


def test_a_cache_that_cannot_be_written_is_none(
    tmp_path: Path, cache: Path, migrated: Path
) -> None:
    cache.parent.parent.write_text("a file")
    keep_empty_database(migrated)
    assert not copy_empty_database(tmp_path / "new.db")
