"""`floe diff --data` on other warehouses finds what their drivers planted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from other_warehouses import FLOE, MANIFEST, Warehouse, opened
from planted_elsewhere import OTHERWISE, PLANTED, SAME, ours

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

# Statements on stdin, then the names of tables; prints table -> rows as the driver has them.
DRIVE = """\
for statement in told["run"]:
    run(statement)
print(json.dumps({
    t: sorted(map(repr, rows(f"select * from {t} order by id"))) for t in told["read"]
}))
"""


@pytest.fixture(scope="module", params=sorted(PLANTED))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def warehouse(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with opened(kind, tmp_path_factory.mktemp(kind), is_local=True) as found:
        yield found


@pytest.fixture(scope="module")
def names(kind: str) -> dict[str, str]:
    """Return what is planted -> the model whose tables hold it."""
    wanted = [*(each.name for each in PLANTED[kind]), *OTHERWISE, *SAME]
    return {name: f"t{number:02}" for number, name in enumerate(wanted)}


@pytest.fixture(scope="module")
def product(
    warehouse: Warehouse, kind: str, names: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("product") / "kinds"
    (folder / "models").mkdir(parents=True)
    compute = warehouse.compute(folder)
    if kind == "sqlite":
        paths = ", ".join(f"{name}: {folder}/{name}.sqlite" for name in ("main", "ours", "theirs"))
        compute = (
            "{type: sqlite, config: {database: database, schema: main, threads: 1, "
            f"schemas_and_paths: {{{paths}}}, schema_directory: {folder}}}}}"
        )
    manifest = MANIFEST.replace("COMPUTE", compute).replace("LINEAGE", str(folder / "lineage"))
    models = "".join(
        f"  - {{name: {model}, columns: [{{name: id, data_tests: [unique]}}]}}\n"
        for model in names.values()
    )
    texts = {
        "floe.yaml": FLOE,
        "manifest.yaml": manifest,
        "dbt_project.yml": "name: kinds\nversion: 1.0.0\nprofile: kinds\n",
        "models/schema.yml": f"models:\n{models}",
        **{f"models/{model}.sql": "select 1 as id\n" for model in names.values()},
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def read(
    warehouse: Warehouse, kind: str, names: dict[str, str], product: Path
) -> dict[str, list[str]]:
    """Plant everything; return table -> its rows, as the driver has them."""
    word = {"sqlite": "", "clickhouse": "database"}.get(kind, "schema")
    statements = [f"create {word} {name}" for name in ("ours", "theirs")] if word else []
    for planted in PLANTED[kind]:
        statements += planted.tables(names[planted.name])
    others = {**{name: each[0] for name, each in OTHERWISE.items()}, **SAME}
    for name, text in others.items():
        statements += [ours(names[name]), text.format(names[name])]
    tables = [f"{schema}.{model}" for model in names.values() for schema in ("ours", "theirs")]
    program = {
        "sqlite": (
            "import json, sqlite3, sys\n"
            f"db = sqlite3.connect('{product}/main.sqlite', isolation_level=None)\n"
            f"db.execute(\"attach '{product}/ours.sqlite' as ours\")\n"
            f"db.execute(\"attach '{product}/theirs.sqlite' as theirs\")\n"
            "run = db.execute\nrows = lambda query: db.execute(query).fetchall()\n"
        ),
        "snowflake": (
            warehouse.reader(product).rpartition("print(")[0]
            + "run = cursor.execute\nrows = lambda query: cursor.execute(query).fetchall()\n"
        ),
        "clickhouse": (
            warehouse.reader(product).rpartition("print(")[0]
            + "run = client.command\nrows = lambda query: client.query(query).result_rows\n"
        ),
        "spark": (
            warehouse.reader(product).rpartition("print(")[0]
            + "run = session.sql\nrows = lambda query: session.sql(query).collect()\n"
        ),
    }[kind]
    told = product / "statements.json"
    told.write_text(json.dumps({"run": statements, "read": tables}))
    drive = f"{program}told = json.load(open('{told}'))\n{DRIVE}"
    shown = warehouse.call("python", "-c", drive, cwd=product, codes=(0,))
    found: dict[str, list[str]] = json.loads(shown.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def told(warehouse: Warehouse, product: Path, read: dict[str, list[str]]) -> dict[str, Any]:
    """Return model -> what `floe diff --data` says of it."""
    command = ("diff", "--data", "ours", "theirs", "--product", product, "--json")
    shown = json.loads(warehouse.call("floe", *command, cwd=product, codes=(0,)))
    return {table["node_id"].split(".")[-1]: table for table in shown["tables"]}


def test_what_differs_is_what_the_driver_sees_differ(
    names: dict[str, str], read: dict[str, list[str]], told: dict[str, Any]
) -> None:
    differing = {m for m in names.values() if read[f"ours.{m}"] != read[f"theirs.{m}"]}
    assert differing == set(names.values()) - {names[name] for name in SAME}
    assert set(told) == differing


def test_each_cell_is_told_as_one_changed_row(
    kind: str, names: dict[str, str], told: dict[str, Any]
) -> None:
    found = {}
    for planted in PLANTED[kind]:
        table = told[names[planted.name]]
        cells = {column.lower(): count for column, count in table["by_column"].items()}
        rows = (table["only_left"], table["changed"], table["only_right"])
        found[planted.name] = (rows, cells, table["columns"])
    assert found == {each.name: ((0, 1, 0), {"v": 1}, []) for each in PLANTED[kind]}


def test_rows_and_columns_are_told(names: dict[str, str], told: dict[str, Any]) -> None:
    counts = ("only_left", "only_right", "changed")
    for name, (_, wanted) in OTHERWISE.items():
        table = told[names[name]]
        found = {key: table[key] for key in counts if table[key]}
        if table["columns"]:
            found["columns"] = [sentence.lower() for sentence in table["columns"]]
        assert (name, found) == (name, wanted)


@pytest.mark.usefixtures("read")
def test_two_sqlite_files_are_compared_by_their_paths(
    kind: str, warehouse: Warehouse, product: Path, told: dict[str, Any]
) -> None:
    if kind != "sqlite":
        pytest.skip("the tables are in no file")
    files = (f"{name}.sqlite" for name in ("ours", "theirs"))
    command = ("diff", "--data", *files, "--product", product, "--json")
    shown = json.loads(warehouse.call("floe", *command, cwd=product, codes=(0,)))
    found = {table["node_id"].split(".")[-1]: table for table in shown["tables"]}
    counts = ("only_left", "only_right", "changed", "by_column")
    assert found.keys() == told.keys()
    for name, table in told.items():
        assert [found[name][each] for each in counts] == [table[each] for each in counts]
