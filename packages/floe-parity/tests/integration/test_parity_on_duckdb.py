"""A DuckDB file of any name gives each side a file of its own, and nothing else is written."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from floe_core.foundation.errors import EnvironmentProblemError, InvalidProductError, UsageError
from floe_core.schedules.schedule_override import ScheduleOverride
from floe_core.schedules.schedule_store import ScheduleStore
from floe_core.storage.shared_text import FileText
from floe_parity.comparison import compare
from floe_parity.sides.promises import promises_of
from floe_parity.sides.side import compile_side, run_side


def write_product(folder: Path, settings: str, model: str = "select 1 as id") -> Path:
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "one.sql").write_text(model)
    (folder / "models" / "seen.sql").write_text("select * from {{ ref('one') }}")
    (folder / "dbt_project.yml").write_text("name: odd\nversion: 1.0.0\nprofile: odd\n")
    (folder / "floe.yaml").write_text(
        "apiVersion: floe.dev/v1\nkind: FloeSpec\nmetadata: {name: odd, version: 1.0.0}\n"
        "platform: {manifest: manifest.yaml}\n"
    )
    (folder / "manifest.yaml").write_text(
        "apiVersion: floe.dev/v1\nkind: Manifest\nmetadata: {name: platform, version: 1.0.0}\n"
        "plugins:\n  orchestrator: {type: dagster}\n"
        f"  compute: {{type: duckdb, config: {{{settings}}}}}\n"
    )
    return folder


@pytest.mark.parametrize(
    "path", ["shop.db", "shop", "shop.v2.data", "{folder}/elsewhere/live.ddb", "'my shop.duckdb'"]
)
def test_the_name_of_the_file_is_of_no_account(path: str, tmp_path: Path) -> None:
    live = tmp_path / "elsewhere" / "live.ddb"
    live.parent.mkdir()
    with duckdb.connect(str(live)) as connection:
        connection.execute("create table one as select 'of the real run' as id")
    before = live.read_bytes()
    product = write_product(tmp_path / "odd", f"path: {path.format(folder=tmp_path)}")
    sides = [
        run_side(compile_side(product, "dbt", tmp_path / name), lambda event: None)
        for name in ("one", "two")
    ]
    comparison = compare(*sides)
    assert comparison.is_equal
    assert {node.node_id: node.rows for node in comparison.nodes} == {
        "model.odd.one": 1,
        "model.odd.seen": 1,
    }
    assert live.read_bytes() == before


def test_the_schedules_are_those_that_were_set(tmp_path: Path) -> None:
    product = write_product(tmp_path / "odd", "path: shop.db")
    schedule = ScheduleOverride(
        since=datetime(2026, 1, 1, tzinfo=UTC), cron="15 4 * * *", timezone="UTC"
    )
    ScheduleStore(FileText(product / "schedules.json")).change(lambda kept: {"odd": schedule})
    side = compile_side(product, "dagster", tmp_path / "copy")
    (job,) = side.artifacts.jobs
    assert job.schedule == schedule.over(None)
    assert side.artifacts.folder == tmp_path / "copy"
    start = datetime(2026, 7, 1, tzinfo=UTC)
    assert promises_of(side.artifacts, start).ticks["odd"][0] == start.replace(hour=4, minute=15)


def test_what_is_attached_is_read(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "world.db")) as connection:
        connection.execute("create table countries as select 'NL' as country")
    attached = f"path: shop.db, attach: [{{path: {tmp_path}/world.db, alias: world}}]"
    model = "select country as id from world.main.countries"
    product = write_product(tmp_path / "odd", attached, model)
    side = run_side(compile_side(product, "dbt", tmp_path / "one"), lambda event: None)
    assert {node_id: table.rows for node_id, table in side.tables.items()} == {
        "model.odd.one": 1,
        "model.odd.seen": 1,
    }


@pytest.mark.parametrize("path", ["shop.db", "shop.v2.data"])
def test_raw_tables_in_the_products_own_file_are_read(path: str, tmp_path: Path) -> None:
    model = "select id from {{ source('raw', 'People') }}"
    product = write_product(tmp_path / "odd", f"path: {path}", model)
    (product / "models" / "sources.yml").write_text(
        "sources:\n  - {name: raw, schema: landing, tables: [{name: People}]}\n"
        "  - {name: own, schema: main, tables: [{name: one}]}\n"
    )
    with duckdb.connect(str(product / path)) as connection:
        connection.execute("create schema landing")
        connection.execute("create table landing.people as select * from range(3) r(id)")
        connection.execute("create table main.one as select 'of the real run' as id")
    before = (product / path).read_bytes()
    side = run_side(compile_side(product, "dbt", tmp_path / "one"), lambda event: None)
    assert {node_id: table.rows for node_id, table in side.tables.items()} == {
        "model.odd.one": 3,
        "model.odd.seen": 3,
    }
    assert (product / path).read_bytes() == before


READERS = {
    "a model": ("select id from landing.People", "", ""),
    "a name that Jinja puts together": ("select id from landing.{{ 'peo' ~ 'ple' }}", "", ""),
    "a name from a variable": ("select id from {{ var('landed') }}", "", ""),
    "a relation that is looked up": (
        "select id from {{ adapter.get_relation('shop', 'landing', 'peo' ~ 'ple') }}",
        "",
        "",
    ),
    "a view that names its database": ("select id from landing.qualified", "", ""),
    "a quoted name": ('select id from landing."people"', "", ""),
    "a view": ("select id from landing.all_people", "", ""),
    "a macro": ("select * from ({{ raw() }})", "", "select id from landing.people"),
    "a hook": (
        "select 1::bigint as id",
        "insert into {{ this }} select id from landing.people where id > 0",
        "",
    ),
}


@pytest.mark.parametrize("reader", READERS)
def test_a_table_of_the_products_own_file_that_is_no_source_is_read(
    reader: str, tmp_path: Path
) -> None:
    model, hook, macro = READERS[reader]
    config = f"{{{{ config(materialized='table', post_hook={hook!r}) }}}}\n"
    product = write_product(tmp_path / "odd", "path: shop.db", config + model)
    (product / "dbt_project.yml").write_text(
        "name: odd\nversion: 1.0.0\nprofile: odd\nvars: {landed: landing.people}\n"
    )
    (product / "macros").mkdir()
    text = f"{{% macro raw() %}}{macro}{{% endmacro %}}"
    (product / "macros" / "raw.sql").write_text(text)
    with duckdb.connect(str(product / "shop.db")) as connection:
        connection.execute("create schema landing")
        connection.execute("create table landing.people as select * from range(3) r(id)")
        connection.execute("create view landing.all_people as select * from landing.people")
        connection.execute("create table main.one as select 'of the real run' as id")
        connection.execute("create view landing.qualified as select * from shop.landing.people")
        connection.execute("create table gone as select 1 as id")
        connection.execute("create view broken as select * from gone")
        connection.execute("drop table gone")
    before = (product / "shop.db").read_bytes()
    side = run_side(compile_side(product, "dbt", tmp_path / "one"), lambda event: None)
    assert {node_id: table.rows for node_id, table in side.tables.items()} == {
        "model.odd.one": 3,
        "model.odd.seen": 3,
    }
    assert (product / "shop.db").read_bytes() == before


def test_a_view_that_is_read_and_cannot_be_copied_is_refused(tmp_path: Path) -> None:
    product = write_product(tmp_path / "odd", "path: shop.db", "select id from broken")
    with duckdb.connect(str(product / "shop.db")) as connection:
        connection.execute("create table gone as select 1 as id")
        connection.execute("create view broken as select * from gone")
        connection.execute("drop table gone")
    with pytest.raises(EnvironmentProblemError) as refused:
        compile_side(product, "dbt", tmp_path / "one")
    what = f"{product}/shop.db: the tables in it cannot be copied for parity: "
    assert str(refused.value).startswith(f"{what}Catalog Error: Table with name gone")


def test_what_would_be_written_to_an_attached_file_is_refused(tmp_path: Path) -> None:
    attached = f"path: shop.db, attach: [{{path: {tmp_path}/world.db, alias: world}}]"
    model = "{{ config(database='world') }} select 1 as id"
    product = write_product(tmp_path / "odd", attached, model)
    with pytest.raises(InvalidProductError) as refused:
        compile_side(product, "dbt", tmp_path / "one")
    assert str(refused.value) == (
        "models/one.sql: model.odd.one goes to the database 'world', which is attached, and parity "
        "writes to a file of its own only\n"
        "fix: leave out `database`, or choose a target, with DBT_TARGET, that does"
    )
    assert not (tmp_path / "world.db").exists()


def test_tables_in_memory_are_refused(tmp_path: Path) -> None:
    product = write_product(tmp_path / "odd", "path: ':memory:'")
    with pytest.raises(UsageError, match="parity needs a DuckDB file"):
        compile_side(product, "dbt", tmp_path / "one")
