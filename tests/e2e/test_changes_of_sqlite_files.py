"""`floe ci` of a product in several SQLite files: all of them stay as they are."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from other_warehouses import FLOE, MANIFEST, PROJECT, Warehouse, plain_dbt, sqlite

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

# Relative paths; `kinds_mart` is a file that dbt makes, and `raw` is loaded by others.
COMPUTE = (
    "{type: sqlite, config: {database: database, schema: kinds, threads: 1, schema_directory: "
    "made, schemas_and_paths: {main: main.sqlite, kinds: kinds.sqlite, raw: ../raw.sqlite}}}"
)
FILES = {
    "floe.yaml": FLOE,
    "manifest.yaml": MANIFEST.replace("COMPUTE", COMPUTE).replace("LINEAGE", "lineage.jsonl"),
    "dbt_project.yml": (
        f"{PROJECT}on-run-end: [\"insert into raw.seen values ('{{{{ target.schema }}}}')\"]\n"
    ),
    "models/sources.yml": "sources: [{name: raw, schema: raw, tables: [{name: orders}]}]\n",
    "models/orders.sql": (
        "{{ config(materialized='table') }}\nselect id, amount from {{ source('raw', 'orders') }}\n"
    ),
    "models/doubled.sql": "select id, amount * 2 as amount from {{ ref('orders') }}\n",
    "models/unread.sql": "select id from {{ ref('doubled') }}\n",
    "models/added.sql": (
        "{{ config(materialized='incremental') }}\nselect id, amount from {{ ref('doubled') }}\n"
        "{% if is_incremental() %}where id > (select max(id) from {{ this }}){% endif %}\n"
    ),
    "models/summed.sql": (
        "{{ config(materialized='table', schema='mart') }}\n"
        "select sum(amount) as total from {{ ref('added') }}\n"
    ),
    "models/shown.sql": ("{{ config(schema='mart') }}\nselect total from {{ ref('summed') }}\n"),
    "models/other.sql": (
        "{{ config(materialized='table', schema='mart') }}\nselect id from {{ ref('orders') }}\n"
    ),
}
EDIT = {"models/doubled.sql": FILES["models/doubled.sql"].replace("* 2", "* 3")}
RELATIONS = {
    "orders": "kinds",
    "doubled": "kinds",
    "unread": "kinds",
    "added": "kinds",
    "summed": "kinds_mart",
    "shown": "kinds_mart",
    "other": "kinds_mart",
}


def write(folder: Path, **changes: str) -> Path:
    for name, text in {**FILES, **changes}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "made").mkdir(exist_ok=True)
    return folder


def load(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / "raw.sqlite")) as database, database:
        for statement in statements:
            database.execute(statement)


def build(product: Path, warehouse: Warehouse) -> None:
    warehouse.call("floe", "compile", product, cwd=product, codes=(0,))
    assert {*plain_dbt(product, warehouse).values()} == {"success"}


def contents(product: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return relation -> its rows, sorted."""
    found = {}
    for name, schema in RELATIONS.items():
        place = "kinds.sqlite" if schema == "kinds" else f"made/{schema}.db"
        with closing(sqlite3.connect(product / "main.sqlite")) as database:
            database.execute(f"attach '{product / place}' as {schema}")
            found[name] = sorted(database.execute(f"select * from {schema}.{name}").fetchall())
    return found


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and ".floe" not in path.parts
    }


def test_what_differs_is_what_a_full_build_has(tmp_path: Path) -> None:
    warehouse = sqlite(tmp_path / "own")
    ours, full = tmp_path / "ours", tmp_path / "full"
    for folder in (ours, full):
        folder.mkdir()
        load(folder, "create table orders as select 1 as id, 10 as amount", "create table seen (s)")
    base = write(ours / "base")
    build(base, warehouse)
    # A row that an incremental model keeps, with the amount that it had when it was new.
    load(ours, "update orders set amount = 11", "insert into orders values (2, 20)")
    build(base, warehouse)
    head = write(ours / "head", **EDIT)
    load(full, "update orders set amount = 11", "insert into orders values (2, 20)")
    build(write(full / "head", **EDIT), warehouse)

    before, truth, files = contents(base), contents(full / "head"), digests(ours)
    command = ("ci", base, head, "--json", "--samples", "5")
    told = json.loads(warehouse.call("floe", *command, cwd=tmp_path, codes=(0,)))
    assert {i.split(".")[2]: each["status"] for i, each in told["nodes"].items()} == dict.fromkeys(
        ("doubled", "added", "summed", "shown"), "success"
    )
    assert told["data"]["compared"] == 4
    assert {t["node_id"].split(".")[2]: samples(t) for t in told["data"]["tables"]} == {
        name: ({*before[name]} - {*truth[name]}, {*truth[name]} - {*before[name]})
        for name in RELATIONS
        if before[name] != truth[name]
    }
    assert digests(ours) == files
    assert contents(base) == before


def samples(table: dict[str, Any]) -> tuple[set[tuple[int, ...]], set[tuple[int, ...]]]:
    """Return the rows that a table has on one side only."""
    left, right = (
        {tuple(map(int, each[side].values())) for each in table["samples"] if each[side]}
        for side in ("left", "right")
    )
    return left, right
