"""`floe ci` on Snowflake's adapter with fakesnow: what differs is what full builds differ in."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from other_warehouses import Warehouse, fake_snowflake, plain_dbt
from reuse_elsewhere import DOUBLED, RELATIONS, TEST, VIEWED, Shop

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

SCHEMAS = "select schema_name from information_schema.schemata"
EDITS = (
    (DOUBLED, "amount * 2", "amount * 3"),
    (VIEWED, "amount", "amount, 7 as other"),
    ("models/named.sql", "select id", "select -- note\n  id"),
)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with fake_snowflake(tmp_path_factory.mktemp("snowflake")) as found:
        yield found


def test_a_change_is_checked_beside_production(warehouse: Warehouse, tmp_path: Path) -> None:
    shop = Shop("snowflake", warehouse, tmp_path)
    shop.build()
    head = tmp_path / "head"
    shutil.copytree(shop.ours, head, ignore=shutil.ignore_patterns(".floe", "target", "logs"))
    for edit in EDITS:
        for product in (head, shop.plain):
            shop.edit_in(product, *edit)
    plain_dbt(shop.plain, warehouse)
    before, after = shop.contents(shop.ours), shop.contents(shop.plain)
    schemas = warehouse.rows(shop.ours, SCHEMAS)
    command = ("ci", shop.ours, head, "--json")
    told = json.loads(warehouse.call("floe", *command, cwd=shop.ours, codes=(0,)))
    built = {node.split(".")[2]: node_told["status"] for node, node_told in told["nodes"].items()}
    of_tables = dict.fromkeys(("viewed", "doubled", "summed"), "success")
    assert built == {**of_tables, TEST: "pass"}
    differing = {table["node_id"].split(".")[2] for table in told["data"]["tables"]}
    assert differing == {name for name in RELATIONS if before[name] != after[name]}
    assert (told["status"], told["breaking"]) == ("success", [])
    assert warehouse.rows(shop.ours, SCHEMAS) == schemas
    assert shop.contents(shop.ours) == before
