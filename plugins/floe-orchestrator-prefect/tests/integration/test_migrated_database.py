"""The database of a local Prefect is migrated once for all products."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from floe_orchestrator_prefect.local import local_home
from floe_orchestrator_prefect.local.local_home import DATABASE, prepare_database


def rows(home: Path) -> dict[str, int]:
    """Return table -> how many rows it has."""
    with closing(sqlite3.connect(home / DATABASE)) as connection:
        names = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
        return {
            name: connection.execute(f'select count(*) from "{name}"').fetchone()[0]
            for (name,) in names
        }


def test_it_is_empty_and_the_next_product_has_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    prepare_database(first)
    monkeypatch.setattr(local_home, "UPGRADE", ["false"])
    prepare_database(second)

    assert rows(first) == rows(second)
    assert {name for name, count in rows(first).items() if count} == {"alembic_version"}
    assert "flow_run" in rows(first)
    assert [path.name for path in first.iterdir()] == [DATABASE]


def test_where_it_cannot_be_migrated_that_is_left_to_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(local_home, "UPGRADE", ["false"])
    home = tmp_path / "home"
    home.mkdir()
    prepare_database(home)
    assert list(home.iterdir()) == []
