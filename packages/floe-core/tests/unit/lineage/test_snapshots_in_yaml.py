"""The query of a snapshot that reads a whole relation, in each warehouse's quotes."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlglot

from floe_core.lineage.product_graph import ProductGraph
from floe_core.secrets.redactor import Redactor
from floe_core.sql.columns.known_tables import KnownTable
from floe_core.sql.names import NAMES
from floe_core.sql.query_columns import derive

from .product import artifacts, node

ADAPTERS = [*NAMES, "bigquery", "databricks", "redshift", "trino"]


def query_of(adapter: str, folder: Path) -> str:
    """Return the query of a snapshot of `shop.main.orders`."""
    taken = node("model", "orders")
    snapshot = node("snapshot", "history", depends_on=(taken.unique_id,), path="models/history.yml")
    known = artifacts(folder)
    dbt = known.dbt.model_copy(update={"adapter": adapter})
    product = known.model_copy(update={"dbt": dbt, "nodes": (taken, snapshot)})
    return ProductGraph(product, Redactor([])).query_of_snapshot(snapshot) or ""


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_the_query_names_the_relation(adapter: str, tmp_path: Path) -> None:
    query = sqlglot.parse_one(query_of(adapter, tmp_path), dialect=adapter)
    assert query.sql(dialect="postgres") == 'SELECT * FROM "shop"."main"."orders"'


@pytest.mark.parametrize("adapter", sorted(NAMES))
def test_its_columns_are_those_of_the_relation(adapter: str, tmp_path: Path) -> None:
    table = KnownTable("shop.main.orders", ("id",), is_complete=True)
    found = derive(query_of(adapter, tmp_path), adapter, [table])
    assert [(name, [origin.column for origin in origins]) for name, origins in found.columns] == [
        ("id", ["id"])
    ]
