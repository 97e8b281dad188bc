"""The tests' server of ClickHouse's HTTP interface answers as a ClickHouse server does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from other_warehouses import Warehouse, opened

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

# Prints what ClickHouse's own client gets, as one line of JSON.
CLIENT = """\
import json, sys, clickhouse_connect
from clickhouse_connect.driver.exceptions import DatabaseError
server = dict(host="127.0.0.1", port=int(sys.argv[1]), password=sys.argv[2])
client = clickhouse_connect.get_client(**server, settings={"max_threads": 3})
other = clickhouse_connect.get_client(**server)

def error(query, client=client):
    try:
        return client.query(query).result_rows
    except DatabaseError as found:
        return [found.code, str(found)[:30]]

def value(query, client=client, **more):
    return client.query(query, **more).result_rows[0][0]

client.command("create database d")
client.database = "d"
client.command("create table t (id Int64, name Nullable(String)) engine MergeTree order by id")
client.insert("t", [[1, "a;b\\n\\nc"], [2, None]], column_names=["id", "name"])
client.command("insert into t settings async_insert = 0 format CSV\\n  3,\\"x;\\ny\\"\\n4,z\\n")
client.command("insert into t values (5, 'insert into t format CSV')")
client.command("create temporary table own (x Int8)")
client.command("set max_block_size = 7")
setting = "select getSetting('{}')"
print(json.dumps({
    "ping": client.ping(),
    "rows": client.query("select * from t order by id").result_rows,
    "bound": value("select {x:String}", parameters={"x": "it's\\n"}),
    "command": client.command("exists table t"),
    "columns": client.query("select * from t limit 0").column_names,
    "settings": [
        value(setting.format("max_threads")),
        value(setting.format("max_threads"), settings={"max_threads": 2}),
        value(setting.format("max_threads")),
        value(setting.format("max_block_size")),
    ],
    "database": [value("select currentDatabase()"), value("select currentDatabase()", other)],
    "own": [client.command("exists temporary table own"), other.command("exists temporary table own")],
    "errors": [
        error("select nothing from t"),
        error("select 1; select 2"),
        error("select * from no.table"),
        error("select throwIf(1)"),
        error("nothing"),
    ],
}))
try:
    clickhouse_connect.get_client(**server | {"password": "wrong"})
except DatabaseError as found:
    print(json.dumps(found.code))
"""


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """Return ClickHouse, running; skip where its parts can't be had."""
    with opened("clickhouse", tmp_path_factory.mktemp("clickhouse")) as found:
        yield found


def test_a_client_gets_what_a_server_gives(warehouse: Warehouse, tmp_path: Path) -> None:
    port = warehouse.place[0].rpartition(":")[2]
    password = warehouse.environment["CLICKHOUSE_PASSWORD"]
    shown = warehouse.call("python", "-c", CLIENT, port, password, cwd=tmp_path, codes=(0,))
    found, refused = map(json.loads, shown.splitlines())
    expected: dict[str, Any] = {
        "ping": True,
        "rows": [
            *([1, "a;b\n\nc"], [2, None], [3, "x;\ny"], [4, "z"]),
            [5, "insert into t format CSV"],
        ],
        "bound": "it's\n",
        "command": 1,
        "columns": ["id", "name"],
        "settings": [3, 2, 3, 7],
        "database": ["d", "default"],
        "own": [1, 0],
        "errors": [[code, "Received ClickHouse exception,"] for code in (47, 62, 81, 395, 62)],
    }
    assert found == expected
    assert refused == 516
