"""The version of a source in PostgreSQL, beside the rows that are really in it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from own_database import SERVER, compute, own_database

from floe_core.compiler import compile_product
from floe_core.execution.reuse.planned_build import read_facts
from floe_core.reuse.catalogs import postgres_catalog
from floe_core.schemas import CompiledArtifacts

WriteProduct = Callable[..., Path]
MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: plain}
  compute: {COMPUTE}
"""
SOURCES = "sources: [{name: raw, schema: main, tables: [{name: orders}, {name: seen}]}]\n"
ORDERS, SEEN = "source.shop.raw.orders", "source.shop.raw.seen"
MADE = """\
create schema main;
create table main.orders (id int, amount int);
insert into main.orders select i, i from generate_series(1, 50) i;
create view main.seen as select * from main.orders;
"""
CHANGES = [
    "insert into main.orders values (1, 1)",
    "update main.orders set amount = amount + 1 where id = {one}",
    "update main.orders set amount = -amount",
    "delete from main.orders where ctid = (select min(ctid) from main.orders)",
    "begin; delete from main.orders where id = {one}; insert into main.orders values ({one}, 0); end",
    "begin; create table main.kept as table main.orders; truncate main.orders; "
    "insert into main.orders select id, amount + 1 from main.kept; drop table main.kept; end",
]
NO_CHANGES = [
    "select count(*) from main.orders",
    "vacuum main.orders",
    "vacuum (freeze) main.orders",
    "analyze main.orders",
    "begin; update main.orders set amount = 0; rollback",
]


class Place:
    """A database with the sources, and a product that reads them."""

    def __init__(self, database: str, artifacts: CompiledArtifacts) -> None:
        self.database = database
        self._artifacts = artifacts

    def connect(self) -> Any:
        opened = psycopg2.connect(**SERVER, dbname=self.database)
        opened.autocommit = True
        return closing(opened)

    def execute(self, sql: str) -> None:
        with self.connect() as opened, opened.cursor() as cursor:
            cursor.execute(sql)

    def rows(self) -> list[tuple[int, ...]]:
        with self.connect() as opened, opened.cursor() as cursor:
            cursor.execute("select * from main.orders")
            return sorted(cursor.fetchall())

    def version(self, source: str = ORDERS) -> str | None:
        facts = read_facts(self._artifacts, [ORDERS, SEEN])
        assert facts.problem == ""
        found = facts.sources.get(source)
        return found.of_all if found else None


@pytest.fixture
def place(write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("FLOE_TEST_PASSWORD", SERVER["password"])
    with own_database() as database:
        manifest = MANIFEST.replace("COMPUTE", compute(database, "main"))
        folder = write_product(
            manifest=manifest,
            a="select * from {{ source('raw', 'orders') }}",
            b="select * from {{ source('raw', 'seen') }}",
        )
        (folder / "models" / "schema.yml").write_text(SOURCES)
        compile_product(folder)
        found = Place(database, CompiledArtifacts.load(folder))
        found.execute(MADE)
        yield found


def test_every_change_of_rows_is_a_new_version_and_nothing_else_is(place: Place) -> None:
    chance = random.Random(7)
    version, rows = place.version(), place.rows()
    assert version is not None
    for _ in range(25):
        place.execute(chance.choice([*CHANGES, *NO_CHANGES]).format(one=chance.randint(1, 50)))
        told, found = place.version(), place.rows()
        assert (told == version) == (found == rows)
        version, rows = told, found


def test_a_transaction_that_began_first_and_commits_last_is_seen(place: Place) -> None:
    with place.connect() as early, early.cursor() as cursor:
        cursor.execute("begin; update main.orders set amount = 100 where id = 1")
        place.execute("update main.orders set amount = 200 where id = 2")
        before = place.version()
        assert place.version() == before
        cursor.execute("commit")
        assert place.version() != before


def test_the_same_rows_loaded_again_are_a_new_version(place: Place) -> None:
    before = place.version()
    place.execute(
        "begin; create table main.o as table main.orders; truncate main.orders; insert into main.orders table main.o; end"
    )
    assert place.version() != before


def test_of_what_the_marks_of_rows_do_not_tell_nothing_is_known(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert place.version(SEEN) is None
    monkeypatch.setattr(postgres_catalog, "LARGEST", 100)
    assert place.version() is None
    monkeypatch.undo()
    monkeypatch.setenv("FLOE_TEST_PASSWORD", SERVER["password"])
    assert place.version() is not None
    for change in (
        "create table main.more () inherits (main.orders)",
        "drop table main.more; alter table main.orders enable row level security",
    ):
        place.execute(change)
        place.execute("analyze main.orders")
        assert place.version() is None
