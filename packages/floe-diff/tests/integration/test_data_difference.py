"""`floe diff --data` finds the rows and cells that plain SQL changed, whatever the place is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import pytest
from own_database import SERVER, own_database
from typer.testing import CliRunner

from floe_core.cli.main import app
from floe_core.warehouse.dialects import DIALECTS
from floe_diff.data import row_differences

MODELS = {
    "people.sql": "select 1 as id",
    "visits.sql": "select 1 as id",
    "notes.sql": "select 1 as id",
    "untouched.sql": "select 1 as id",
    "schema.yml": """\
models:
  - {name: people, columns: [{name: id, data_tests: [unique]}]}
  - name: visits
    config: {contract: {enforced: true}}
    constraints: [{type: primary_key, columns: [person, day]}]
    columns: [{name: person, data_type: integer}, {name: day, data_type: date},
      {name: note, data_type: text}]
""",
}
# The tables are written here, not by dbt: the truth is what these statements say.
TABLES = (
    "create table {0}.people as select cast(i as integer) as id, 'name ' || i as name, "
    "cast(i / 4.0 as decimal(12, 2)) as amount from {series}",
    "create table {0}.visits as select cast(i % 7 as integer) as person, "
    "cast('2026-01-01' as date) + cast(i as integer) as day, 'note' as note from {series}",
    "create table {0}.notes as select 'note ' || i % 10 as note from {series}",
    "create table {0}.untouched as select 1 as id",
)
CHANGES = (
    "update {0}.people set name = 'name 5 ' where id = 5",
    "update {0}.people set name = null, amount = 0 where id = 6",
    "delete from {0}.people where id in (7, 8, 9)",
    "insert into {0}.people values (1001, 'new', 1), (1002, '', null)",
    "update {0}.visits set note = 'other' where day < cast('2026-01-06' as date)",
    "insert into {0}.notes values ('note 1'), ('a note of its own')",
)


class Database:
    """Two schemas, or two files with one each, that SQL of the test fills."""

    def __init__(self, product: Path, left: str, right: str, kind: str, database: str) -> None:
        self.product, self.left, self.right = product, left, right
        self._kind, self._database = kind, database

    def fill(self, place: str, *statements: str) -> None:
        series = {"duckdb": "range(1, 1001) r(i)", "postgres": "generate_series(1, 1000) r(i)"}
        texts = [each.format(self.schema(place), series=series[self._kind]) for each in statements]
        if self._kind == "duckdb":
            with duckdb.connect(self._database or place) as connection:
                for text in texts:
                    connection.execute(text)
            return
        with closing(psycopg2.connect(**SERVER, dbname=self._database)) as connection:
            connection.autocommit = True
            for text in texts:
                connection.cursor().execute(text)

    def schema(self, place: str) -> str:
        return "main" if self._kind == "duckdb" and not self._database else place

    def diff(self, *more: str) -> Any:
        command = ["diff", "--data", self.left, self.right, "--product", str(self.product)]
        return CliRunner().invoke(app, [*command, *more], catch_exceptions=False)

    def told(self, *more: str) -> dict[str, Any]:
        done = self.diff("--json", *more)
        assert done.exit_code == 0, done.output
        return {table["node_id"]: table for table in json.loads(done.stdout)["tables"]}


def write_product(folder: Path, compute: str) -> Path:
    (folder / "models").mkdir(parents=True)
    for name, text in MODELS.items():
        (folder / "models" / name).write_text(text)
    (folder / "dbt_project.yml").write_text("name: shop\nversion: 1.0.0\nprofile: shop\n")
    head = "apiVersion: floe.dev/v1\nkind: {}\nmetadata: {{name: shop, version: 1.0.0}}\n"
    (folder / "floe.yaml").write_text(
        head.format("FloeSpec") + "platform: {manifest: manifest.yaml}\n"
    )
    plugins = f"plugins:\n  orchestrator: {{type: dagster}}\n{compute}"
    (folder / "manifest.yaml").write_text(head.format("Manifest") + plugins)
    return folder


def on_files(folder: Path) -> Database:
    product = write_product(
        folder / "shop", "  compute: {type: duckdb, config: {path: nowhere.db}}\n"
    )
    left, right = (str(folder / name / "shop.db") for name in ("old", "new"))
    for path in (left, right):
        Path(path).parent.mkdir()
    return Database(product, left, right, "duckdb", "")


def on_schemas_of_a_file(folder: Path) -> Database:
    path = str(folder / "shop" / "both.db")
    compute = "  compute: {type: duckdb, config: {path: both.db, schema: live}}\n"
    return Database(write_product(folder / "shop", compute), "old", "new", "duckdb", path)


def on_targets(folder: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setenv("FLOE_TEST_PASSWORD", SERVER["password"])
    output = ", ".join(f"{key}: {SERVER[key]}" for key in ("host", "port", "user"))
    secret = "\"{{ env_var('FLOE_TEST_PASSWORD') }}\""
    settings = f"type: postgres, {output}, password: {secret}, dbname: {database}, threads: 2"
    product = write_product(folder / "shop", "")
    (product / "profiles.yml").write_text(
        "shop:\n  target: dev\n  outputs:\n"
        f"    dev: {{{settings}, schema: new}}\n    prod: {{{settings}, schema: old}}\n"
    )
    return Database(product, "prod", "dev", "postgres", database)


class Targets(Database):
    """Targets, whose schemas have other names."""

    def schema(self, place: str) -> str:
        return {"prod": "old", "dev": "new"}[place]


@pytest.fixture(params=["files", "schemas of a file", "targets", "targets by copies"])
def places(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Database]:
    if request.param == "files":
        yield filled(on_files(tmp_path))
    elif request.param == "schemas of a file":
        yield filled(on_schemas_of_a_file(tmp_path))
    else:
        if request.param == "targets by copies":  # As on a warehouse that floe has no SQL for.
            monkeypatch.delitem(DIALECTS.points, "postgres")
        with own_database() as database:
            found = on_targets(tmp_path, database, monkeypatch)
            found.__class__ = Targets
            yield filled(found)


def filled(places: Database) -> Database:
    for place in (places.left, places.right):
        if places.schema(place) != "main":
            places.fill(place, "create schema {0}")
        places.fill(place, *TABLES)
    return places


def test_nothing_differs_between_equal_tables(places: Database) -> None:
    assert places.told() == {}
    done = places.diff("--exit-code", "--markdown")
    assert done.exit_code == 0
    assert "4 tables, all equal." in done.output


def test_rows_and_cells_that_sql_changed_are_found_by_key(places: Database) -> None:
    places.fill(places.right, *CHANGES)
    told = places.told()
    assert sorted(told) == ["model.shop.notes", "model.shop.people", "model.shop.visits"]
    people, visits, notes = (told[f"model.shop.{n}"] for n in ("people", "visits", "notes"))
    assert counts(people) == (["id"], [1000, 999], 3, 2, 2, {"name": 2, "amount": 1})
    assert counts(visits) == (["person", "day"], [1000, 1000], 0, 0, 4, {"note": 4})
    assert counts(notes) == ([], [1000, 1002], 0, 2, 0, {})
    changed = [s for s in people["samples"] if s["left"] and s["right"]]
    assert sorted(((s["left"]["name"], s["right"]["name"]) for s in changed), key=str) == [
        ("name 5", "name 5 "),
        ("name 6", None),
    ]
    assert {s["left"]["id"] for s in people["samples"] if not s["right"]} == {"7", "8", "9"}
    assert {s["right"]["name"] for s in people["samples"] if not s["left"]} == {"new", ""}
    assert {s["right"]["note"] for s in notes["samples"]} == {"note 1", "a note of its own"}


def counts(table: dict[str, Any]) -> tuple[Any, ...]:
    names = ("key", "rows", "only_left", "only_right", "changed", "by_column")
    return tuple(table[name] for name in names)


def test_it_is_found_in_portions_as_well(places: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_differences, "ROWS_AT_ONCE", 10)
    places.fill(places.right, "update {0}.people set amount = amount + 1")
    table = places.told("--samples", "3")["model.shop.people"]
    assert counts(table) == (["id"], [1000, 1000], 0, 0, 1000, {"amount": 1000})
    assert len(table["samples"]) == 3


def test_types_columns_and_tables_that_differ_are_told(places: Database) -> None:
    places.fill(
        places.right,
        "alter table {0}.people alter column id type bigint",
        "alter table {0}.visits drop column note",
        "drop table {0}.notes",
        "update {0}.people set name = 'x' where id = 1",
    )
    told = places.told()
    people, visits, notes = (told[f"model.shop.{n}"] for n in ("people", "visits", "notes"))
    (sentence,) = people["columns"]
    assert sentence.lower() == f"id is integer on {places.left}, bigint on {places.right}".lower()
    assert counts(people) == (["id"], [1000, 1000], 0, 0, 1, {"name": 1})
    assert visits["columns"] == [f"no column note on {places.right}"]
    assert counts(visits)[2:] == (0, 0, 0, {})
    assert notes["rows"] == [1000, None]


def test_a_key_is_known_that_dbt_quotes(tmp_path: Path) -> None:
    places = filled(on_schemas_of_a_file(tmp_path))
    (places.product / "models" / "schema.yml").write_text(
        "models: [{name: people, columns: [{name: person id, quote: true, data_tests: [unique]}]}]"
    )
    rename = 'alter table {0}.people rename column id to "person id"'
    places.fill(places.left, rename)
    places.fill(places.right, rename, "update {0}.people set name = 'x' where amount = 1")
    people = places.told()["model.shop.people"]
    assert counts(people) == (["person id"], [1000, 1000], 0, 0, 1, {"name": 1})


def test_a_place_without_tables_is_refused(places: Database, tmp_path: Path) -> None:
    empty = str(tmp_path / "empty.db")
    duckdb.connect(empty).close()
    is_file = Path(places.left).exists()
    nowhere = empty if is_file else "nowhere_at_all"
    command = ["diff", "--data", places.left, nowhere, "--product", str(places.product)]
    done = CliRunner().invoke(app, command)
    assert str(done.exception) == (
        f"there are no tables of this product in the file '{nowhere}'; they would be in the "
        "schemas main"
        if is_file
        else f"there are no tables of this product in the schema '{nowhere}'; it is taken for one "
        "because it is no target, database file or folder"
    )


def test_a_file_that_does_not_exist_is_not_taken_for_a_schema(tmp_path: Path) -> None:
    places = filled(on_files(tmp_path))
    for name in ("missing.duckdb", "missing/compiled"):
        command = ["diff", "--data", places.left, name, "--product", str(places.product)]
        done = CliRunner().invoke(app, command)
        assert str(done.exception) == f"there is no file or compiled folder '{name}'"


def test_tables_are_those_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOE_ENV", "")
    places = filled(on_files(tmp_path))
    manifest = places.product / "manifest.yaml"
    compute = "compute: {schema: prod_schema}"
    manifest.write_text(f"{manifest.read_text()}environments:\n  prod: {{{compute}}}\n")
    for place in (places.left, places.right):
        with duckdb.connect(place) as connection:
            connection.execute("create schema prod_schema")
            connection.execute("create table prod_schema.people as select 1 as id")
    with duckdb.connect(places.right) as connection:
        connection.execute("update prod_schema.people set id = 2")
    assert places.told() == {}
    by_option = places.told("--env", "prod")
    monkeypatch.setenv("FLOE_ENV", "prod")
    people = places.told()["model.shop.people"]
    assert (people["rows"], people["only_left"], people["only_right"]) == ([1, 1], 1, 1)
    assert by_option == {"model.shop.people": people}


def test_a_target_is_itself_in_each_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = write_product(tmp_path / "shop", "")
    outputs = (f"    {n}: {{type: duckdb, path: {n}.db, schema: main}}\n" for n in ("dev", "prod"))
    (product / "profiles.yml").write_text(f"shop:\n  target: dev\n  outputs:\n{''.join(outputs)}")
    environments = "environments:\n  live: {target: prod, vars: {alias: people_of_prod}}\n"
    manifest = product / "manifest.yaml"
    manifest.write_text(f"{manifest.read_text()}{environments}")
    (product / "models" / "people.sql").write_text(
        "{{ config(alias=var('alias', 'people')) }} select 1 as id"
    )
    for number, name in enumerate(("dev", "prod")):
        with duckdb.connect(str(product / f"{name}.db")) as connection:
            connection.execute(f"create table people_of_prod as select {number} as id")
    monkeypatch.setenv("FLOE_ENV", "live")
    told = Database(product, "dev", "prod", "duckdb", "").told()
    assert told["model.shop.people"]["rows"] == [1, 1]


def test_the_page_for_a_pull_request(tmp_path: Path) -> None:
    places = filled(on_schemas_of_a_file(tmp_path))
    places.fill(
        places.right,
        "update {0}.people set name = 'a|b' where id = 5",
        "update {0}.people set name = 'name 6 ' where id = 6",
        "delete from {0}.people where id = 7",
        "update {0}.people set amount = null where id = 6",
        "insert into {0}.notes values ('')",
    )
    done = places.diff("--markdown", "--exit-code")
    assert done.exit_code == 1
    assert done.stdout.rstrip() == (
        "## shop: old and new\n"
        "\n"
        "2 of 4 tables differ.\n"
        "\n"
        "### `model.shop.notes`\n"
        "\n"
        "- 1000 rows in old, 1001 in new\n"
        "- 0 rows only in old, 1 only in new\n"
        "- dbt knows no key of it, so a row that changed is one on each side\n"
        "\n"
        "|  | note |\n"
        "| --- | --- |\n"
        "| only in new | '' |\n"
        "\n"
        "\n"
        "### `model.shop.people`\n"
        "\n"
        "- 1000 rows in old, 999 in new\n"
        "- 1 row only in old, 0 only in new\n"
        "- 2 rows changed, by id: name (2), amount (1)\n"
        "\n"
        "|  | id | name | amount |\n"
        "| --- | --- | --- | --- |\n"
        "| changed | 5 | name 5 -> a\\|b | 1.25 |\n"
        "| changed | 6 | name 6 -> 'name 6 ' | 1.50 -> NULL |\n"
        "| only in old | 7 | name 7 | 1.75 |"
    )


def test_a_table_twice_in_one_file_is_no_difference(tmp_path: Path) -> None:
    places = filled(on_files(tmp_path))
    shutil.copyfile(places.left, places.right)
    assert places.told() == {}
