"""`floe ci` on other warehouses: what differs is what full builds differ in."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from other_warehouses import Warehouse, opened, plain_dbt
from reuse_elsewhere import DOUBLED, RELATIONS, TEST, VIEWED, Shop

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

SCHEMAS = {
    "clickhouse": "select name from system.databases order by name",
    "sqlite": "select name from pragma_database_list",
    "snowflake": "select schema_name from information_schema.schemata",
    "spark": "show schemas",
}
EDITS = (
    (DOUBLED, "amount * 2", "amount * 3"),
    (VIEWED, "amount", "amount, 7 as other"),
    ("models/named.sql", "select id", "select -- note\n  id"),
)
BUILT = {"viewed", "doubled", "summed"}
# Where floe does not know how names are resolved, what reads a changed node is built.
BUILT_WITH_READERS = {"clickhouse": {*BUILT, "named"}}


@pytest.fixture(scope="module", params=sorted(SCHEMAS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def warehouse(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with opened(kind, tmp_path_factory.mktemp(kind), is_local=True) as found:
        yield found


@pytest.fixture
def shop(kind: str, warehouse: Warehouse, tmp_path: Path) -> Shop:
    """Return the product with production built."""
    shop = Shop(kind, warehouse, tmp_path)
    shop.build()
    return shop


def changed(shop: Shop, folder: Path, *edits: tuple[str, str, str]) -> Path:
    """Return a copy of the product with changes, which plain dbt has built in full elsewhere."""
    no_tables = ("metastore_db", "spark-warehouse", "*.sqlite", "derby.log")
    ignored = shutil.ignore_patterns(".floe", "target", "logs", *no_tables)
    shutil.copytree(shop.ours, folder, ignore=ignored)
    for edit in edits:
        for product in (folder, shop.plain):
            shop.edit_in(product, *edit)
    plain_dbt(shop.plain, shop.warehouse)
    return folder


def check(shop: Shop, head: Path) -> dict[str, Any]:
    command = ("ci", shop.ours, head, "--json")
    found: dict[str, Any] = json.loads(
        shop.warehouse.call("floe", *command, cwd=shop.ours, codes=(0,))
    )
    return found


def files(folder: Path) -> dict[str, str]:
    """Return the product's and SQLite's files -> their hashes; Spark's metastore is its own."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and not {".floe", "metastore_db"} & {*path.parts}
    }


def test_a_change_is_checked_beside_production(shop: Shop, tmp_path: Path) -> None:
    head = changed(shop, tmp_path / "head", *EDITS)
    before, after = shop.contents(shop.ours), shop.contents(shop.plain)
    schemas = shop.warehouse.rows(shop.ours, SCHEMAS[shop.kind])
    of_production = files(shop.ours)
    told = check(shop, head)
    built = {node.split(".")[2]: node_told["status"] for node, node_told in told["nodes"].items()}
    wanted = BUILT_WITH_READERS.get(shop.kind, BUILT)
    assert built == {**dict.fromkeys(wanted, "success"), TEST: "pass"}
    differing = {table["node_id"].split(".")[2] for table in told["data"]["tables"]}
    assert differing == {name for name in RELATIONS if before[name] != after[name]}
    assert (told["status"], told["breaking"]) == ("success", [])
    assert files(shop.ours) == of_production
    assert shop.warehouse.rows(shop.ours, SCHEMAS[shop.kind]) == schemas
    assert shop.contents(shop.ours) == before
