"""A check of a change on SQLite works on copies of every file that the profile attaches."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from floe_ci.warehouse_copies import SQLiteCopies
from floe_core.compiler.profile import Profile
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.warehouse.dialect import Relation


def run(file: Path, *statements: str) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        for statement in statements:
            database.execute(statement)


def rows(file: Path, query: str = "select id from t") -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(file)) as database:
        return database.execute(query).fetchall()


def profile(schema: str = "main", **paths: str) -> Profile:
    output = {
        "type": "sqlite",
        "schema": schema,
        "schemas_and_paths": {"main": "shop.sqlite", **paths},
        "schema_directory": "made",
    }
    return Profile("shop", "dev", output, ".")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a folder with a named file, one that dbt made, and one of others."""
    (tmp_path / "home" / "made").mkdir(parents=True)
    for name in ("shop.sqlite", "made/mart.db", "raw.sqlite"):
        run(tmp_path / "home" / name, "create table t as select 1 as id")
    return tmp_path / "home"


def test_every_file_is_copied_under_its_schemas_name(home: Path, tmp_path: Path) -> None:
    copies = SQLiteCopies.of(profile(raw="raw.sqlite", new="new.sqlite"), home, tmp_path / "one")
    led = copies.again(tmp_path / "two").lead(profile(raw="raw.sqlite", new="new.sqlite")).output
    paths = led["schemas_and_paths"]
    assert {name: Path(path).exists() for name, path in paths.items()} == {
        "main": True,
        "raw": True,
        "new": False,
    }
    made = Path(led["schema_directory"]) / "mart.db"
    files = [*map(Path, paths.values()), made]
    assert all(file.is_relative_to(tmp_path / "two") for file in files)
    assert [rows(file) for file in (*files[:2], made)] == [[(1,)]] * 3


def test_what_the_head_attaches_in_addition_is_copied(home: Path, tmp_path: Path) -> None:
    copies = SQLiteCopies.of(profile(), home, tmp_path / "one")
    copies.lead(profile(raw="raw.sqlite"))
    [raw] = [
        path
        for name, path in copies.lead(profile(raw="elsewhere.sqlite"))
        .output["schemas_and_paths"]
        .items()
        if name == "raw"
    ]
    assert rows(Path(raw)) == [(1,)]


def test_rows_that_are_only_in_the_log_are_copied(home: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(home / "shop.sqlite")) as database:
        database.execute("pragma journal_mode = wal")
        with database:
            database.execute("insert into t values (2)")
        led = SQLiteCopies.of(profile(), home, tmp_path / "one").lead(profile())
    assert rows(Path(led.output["schemas_and_paths"]["main"])) == [(1,), (2,)]


def test_what_is_built_is_dropped_from_the_copies_alone(home: Path, tmp_path: Path) -> None:
    run(
        home / "shop.sqlite",
        'create view "V 1" as select * from t',
        "create table kept as select 1",
    )
    with closing(sqlite3.connect(home / "shop.sqlite")) as database:
        database.execute(f"attach '{home}/made/mart.db' as mart")
        database.execute("create view mart.seen as select * from mart.t")
    first = SQLiteCopies.of(profile(), home, tmp_path / "one")
    second = first.again(tmp_path / "two")
    gone = [("main", "T"), ("main", "V 1"), ("mart", "t"), ("mart", "seen"), ("nowhere", "t")]
    second.drop(Relation(*each) for each in gone)
    names = "select name from sqlite_master order by name"
    led = second.lead(profile()).output
    assert rows(Path(led["schemas_and_paths"]["main"]), names) == [("kept",)]
    assert rows(Path(led["schema_directory"]) / "mart.db", names) == []
    for file in (
        Path(first.lead(profile()).output["schemas_and_paths"]["main"]),
        home / "shop.sqlite",
    ):
        assert rows(file, names) == [("V 1",), ("kept",), ("t",)]


def test_paths_of_extensions_do_not_depend_on_the_folder(home: Path, tmp_path: Path) -> None:
    given = profile()
    given.output["extensions"] = ["lib/crypto", "crypto"]
    led = SQLiteCopies.of(given, home, tmp_path / "one").lead(given)
    assert led.output["extensions"] == [str(home / "lib" / "crypto"), "crypto"]


def test_production_that_is_not_there_is_an_error(home: Path, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblemError) as refused:
        SQLiteCopies.of(profile("shop"), home, tmp_path / "one")
    assert str(refused.value) == (
        f"{home}/made/shop.db: there is no such file, and production's tables are expected in it; "
        "run the product first, or choose another target with DBT_TARGET"
    )


def test_a_file_that_is_no_database_is_an_error(home: Path, tmp_path: Path) -> None:
    (home / "raw.sqlite").write_text("id\n1\n" * 1000)
    with pytest.raises(EnvironmentProblemError) as refused:
        SQLiteCopies.of(profile(raw="raw.sqlite"), home, tmp_path / "one")
    assert str(refused.value) == (f"{home}/raw.sqlite: cannot be read: file is not a database")
