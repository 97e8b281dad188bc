"""Plain dbt as a side on PostgreSQL: its own schemas, nothing outside of them, none left over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from own_database import SERVER, own_database, rows
from shop_on_postgres import WORLD, write_postgres_product

from floe_core.foundation.errors import EnvironmentProblemError, InvalidProductError, UsageError
from floe_core.warehouse.dialects import DIALECTS
from floe_parity.comparison import compare
from floe_parity.sides.side import Side, compile_side, run_side

SCHEMAS = (
    "select nspname from pg_namespace where nspname !~ '^pg_|^information_schema$' order by nspname"
)
OF_THE_DATABASE = ["live", "live_staging", "public", "world"]
# Every relation with its rows' versions, which change with any write; every schema's rights.
STATE = """
select n.nspname, n.oid, n.nspacl::text, c.relname, c.relfilenode, c.xmin::text
from pg_namespace n left join pg_class c on c.relnamespace = n.oid
where n.nspname in ('live', 'live_staging', 'world', 'public') order by 1, 4
"""
IGNORES_THE_TARGET = """
{% macro generate_schema_name(custom, node) %}{{ custom or target.schema }}{% endmacro %}
"""
SLOW = "{{ config(materialized='table') }}\nselect id, pg_sleep(60)::text from {{ ref('people') }}"


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("FLOE_TEST_PASSWORD", SERVER["password"])
    with own_database() as name:
        with closing(psycopg2.connect(**SERVER, dbname=name)) as connection:
            connection.autocommit = True
            for statement in WORLD:
                connection.cursor().execute(statement)
        yield name


@pytest.fixture(params=["in the warehouse", "by copies"])
def reading(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read tables in both ways; the second is that of warehouses that floe has no SQL for."""
    if request.param == "by copies":
        monkeypatch.delitem(DIALECTS.points, "postgres")


def schemas(database: str) -> list[object]:
    return [name for (name,) in rows(database, SCHEMAS)]


def run(product: Path, folder: Path, told: list[str] | None = None) -> Side:
    heard = [] if told is None else told
    return run_side(compile_side(product, "dbt", folder), lambda event: None, heard.append)


@pytest.mark.usefixtures("reading")
def test_two_runs_are_equal_and_leave_the_database_as_it_was(database: str, tmp_path: Path) -> None:
    product = write_postgres_product(tmp_path / "shop", database)
    before = rows(database, STATE)
    sides = [run(product, tmp_path / name) for name in ("one", "two")]
    assert {side.report.status for side in sides} == {"success"}
    comparison = compare(*sides)
    assert comparison.is_equal
    assert {node.node_id: node.rows for node in comparison.nodes if node.rows is not None} == {
        "seed.shop.people": 3,
        "model.shop.stg_people": 3,
        "model.shop.greetings": 3,
        "snapshot.shop.history": 3,
    }
    assert rows(database, STATE) == before
    assert schemas(database) == OF_THE_DATABASE
    assert list((product / ".floe" / "parity").iterdir()) == []


def test_a_value_that_differs_is_found_by_copies(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(DIALECTS.points, "postgres")
    files = {
        "models/planted.sql": "select id, '{{ target.schema }}' as place from {{ ref('people') }}"
    }
    product = write_postgres_product(tmp_path / "shop", database, files)
    comparison = compare(*(run(product, tmp_path / name) for name in ("one", "two")))
    assert {n.node_id: n.differences for n in comparison.nodes if n.differences} == {
        "model.shop.planted": ("contents differ in place",)
    }


def test_environments_with_other_schemas_take_no_part(database: str, tmp_path: Path) -> None:
    product = write_postgres_product(tmp_path / "shop", database)
    with (product / "manifest.yaml").open("a") as manifest:
        manifest.write("environments: {prod: {compute: {schema: of_prod}}}\n")
    assert run(product, tmp_path / "one").report.status == "success"
    assert schemas(database) == OF_THE_DATABASE


def test_a_run_that_fails_leaves_no_schema(database: str, tmp_path: Path) -> None:
    files = {"models/bad.sql": "select nothing from {{ ref('people') }}"}
    side = run(write_postgres_product(tmp_path / "shop", database, files), tmp_path / "one")
    assert side.report.status == "failed"
    assert side.tables["model.shop.bad"].missing
    assert schemas(database) == OF_THE_DATABASE


def test_an_error_of_ours_leaves_no_schema(database: str, tmp_path: Path) -> None:
    def break_off(event: object) -> None:
        raise KeyboardInterrupt

    product = write_postgres_product(tmp_path / "shop", database)
    compiled = compile_side(product, "dbt", tmp_path / "one")
    with pytest.raises(KeyboardInterrupt):
        run_side(compiled, break_off)
    assert schemas(database) == OF_THE_DATABASE


def test_a_macro_that_ignores_the_targets_schema_is_refused_with_every_node(
    database: str, tmp_path: Path
) -> None:
    files = {"macros/schema.sql": IGNORES_THE_TARGET}
    product = write_postgres_product(tmp_path / "shop", database, files)
    with pytest.raises(InvalidProductError) as refused:
        compile_side(product, "dbt", tmp_path / "one")
    whatever = "whatever the target's is, and parity writes to schemas of its own only"
    fix = "choose a target, with DBT_TARGET, where generate_schema_name uses target.schema"
    assert {str(problem) for problem in refused.value.problems} == {
        f"{file}: {node} goes to the schema '{schema}' {whatever}\nfix: {fix}"
        for file, node, schema in (
            ("seeds/people.csv", "seed.shop.people", "raw"),
            ("models/staging/stg_people.sql", "model.shop.stg_people", "staging"),
            ("models/schema.yml", "test.shop.not_null_greetings_id.9355de9206", "dbt_test__audit"),
            ("models/schema.yml", "test.shop.unique_greetings_id.a50a3a8601", "dbt_test__audit"),
        )
    }
    assert not (tmp_path / "one").exists()
    assert schemas(database) == OF_THE_DATABASE


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        (
            "{{ target.schema }}_raw",
            None,
        ),
        (
            "live_raw",
            "models/world.yml: source.shop.own.people is built by the product, but would be read "
            "from 'live_raw'\nfix: name the source's schema by target.schema, or read it with "
            "ref()",
        ),
        (
            "{{ target.schema }}",
            "models/world.yml: source.shop.own.people is in the target's schema, and nothing in "
            "the product builds it\nfix: name the source's schema as it is, not by target.schema",
        ),
    ],
)
def test_a_source_is_what_it_is_outside_of_parity_or_refused(
    database: str, tmp_path: Path, schema: str, told: str | None
) -> None:
    files = {
        "models/world.yml": f'sources:\n  - name: own\n    schema: "{schema}"\n    tables: '
        "[{name: people}]\n",
        "models/reader.sql": "-- depends_on: {{ ref('people') }}\n"
        "select * from {{ source('own', 'people') }}",
    }
    product = write_postgres_product(tmp_path / "shop", database, files)
    if told is None:
        assert run(product, tmp_path / "one").tables["model.shop.reader"].rows == 3
        return
    with pytest.raises(InvalidProductError) as refused:
        compile_side(product, "dbt", tmp_path / "one")
    assert str(refused.value) == told


def test_a_schemas_name_that_gets_too_long_is_refused(database: str, tmp_path: Path) -> None:
    project = {"models/long.sql": f"{{{{ config(schema='{'x' * 43}') }}}} select 1 as id"}
    product = write_postgres_product(tmp_path / "shop", database, project)
    with pytest.raises(InvalidProductError, match="longer than 63 bytes"):
        compile_side(product, "dbt", tmp_path / "one")


def test_a_profile_with_literal_secrets_is_refused(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = (
        "apiVersion: floe.dev/v1\nkind: Manifest\nmetadata: {name: platform, version: 1.0.0}\n"
        "plugins:\n  orchestrator: {type: dagster}\n"
    )
    product = write_postgres_product(tmp_path / "shop", database, {"manifest.yaml": manifest})
    profiles = tmp_path / "home"
    profiles.mkdir()
    output = ", ".join(f"{key}: {value}" for key, value in SERVER.items())
    (profiles / "profiles.yml").write_text(
        f"shop: {{target: dev, outputs: {{dev: {{type: postgres, {output}, dbname: {database}, "
        "schema: live}}}\n"
    )
    monkeypatch.setenv("DBT_PROFILES_DIR", str(profiles))
    with pytest.raises(UsageError, match="holds literal secrets"):
        compile_side(product, "dbt", tmp_path / "one")


@pytest.mark.usefixtures("reading")
def test_a_server_that_is_not_there_is_said_without_the_password(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SERVER, "port", "1")
    product = write_postgres_product(tmp_path / "shop", database)
    with pytest.raises(EnvironmentProblemError, match="Connection refused") as raised:
        run(product, tmp_path / "one")
    assert SERVER["password"] not in str(raised.value)


@pytest.mark.slow
def test_what_a_killed_run_leaves_is_named_and_dropped_by_the_next(
    database: str, tmp_path: Path
) -> None:
    product = write_postgres_product(
        tmp_path / "shop", database, {"models/slow.sql": SLOW.replace("60", "20")}
    )
    before = rows(database, STATE)
    floe = Path(sys.executable).with_name("floe")
    command = [floe, "parity", product, "--on", "dbt", "--on", "dagster"]
    killed = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_slow_runs(database)
    finally:
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
    left = [name for name in schemas(database) if name not in OF_THE_DATABASE]
    assert left
    (product / "models" / "slow.sql").unlink()
    told: list[str] = []
    assert run(product, tmp_path / "next", told).report.status == "success"
    assert told == [
        f"dropped the schema {name}, left by a parity run that was killed" for name in left
    ]
    assert schemas(database) == OF_THE_DATABASE
    assert rows(database, STATE) == before
    assert list((product / ".floe" / "parity").iterdir()) == []


def wait_until_slow_runs(database: str) -> None:
    query = "select count(*) from pg_stat_activity where query ~ 'pg_sleep' and datname = %s"
    for _ in range(600):
        if rows(database, query + " and pid <> pg_backend_pid()", database) != [(0,)]:
            return
        time.sleep(0.1)
    raise AssertionError("dbt did not come to the slow model in a minute")


@pytest.mark.usefixtures("reading")
def test_a_run_beside_a_live_one_leaves_its_schemas_alone(database: str, tmp_path: Path) -> None:
    product = write_postgres_product(tmp_path / "shop", database)
    one, two = (compile_side(product, "dbt", tmp_path / name) for name in ("one", "two"))
    told: list[str] = []
    assert one.scratch is not None
    with one.own_schemas(told.append):
        with closing(psycopg2.connect(**SERVER, dbname=database)) as connection:
            connection.autocommit = True
            connection.cursor().execute(f"create schema {one.scratch.base}")
        run_side(two, lambda event: None, told.append)
        assert schemas(database) == sorted([*OF_THE_DATABASE, one.scratch.base])
    assert schemas(database) == OF_THE_DATABASE
    assert told == []


def test_schemas_of_a_run_elsewhere_are_named_and_stay(database: str, tmp_path: Path) -> None:
    with closing(psycopg2.connect(**SERVER, dbname=database)) as connection:
        connection.autocommit = True
        connection.cursor().execute("create schema floe_parity_0123abcd_raw")
    told: list[str] = []
    run(write_postgres_product(tmp_path / "shop", database), tmp_path / "one", told)
    assert told == [
        "there are schemas of parity runs that were started elsewhere: floe_parity_0123abcd_raw; "
        "drop them unless those are still running"
    ]
    assert "floe_parity_0123abcd_raw" in schemas(database)
