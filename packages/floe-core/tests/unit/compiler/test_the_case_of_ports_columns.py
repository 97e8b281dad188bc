"""Which columns of a port a project reads, on warehouses that fold names in their own ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from floe_core.compiler.ports.project_columns import ProjectColumns

PORT = "model.crm.dim_customers"
MODEL = "model.marts.stg_customers"


def read(adapter: str, sql: str, columns: tuple[str, ...]) -> tuple[set[str], set[str]]:
    """Return the port's columns that a model reads, and the names in it that nothing has."""
    port: dict[str, Any] = {
        "unique_id": PORT,
        "resource_type": "model",
        "package_name": "crm",
        "name": "dim_customers",
        "alias": "dim_customers",
    }
    model = {
        **port,
        "unique_id": MODEL,
        "package_name": "marts",
        "name": "stg_customers",
        "alias": "stg_customers",
        "raw_code": f"{sql} from {{{{ ref('crm', 'dim_customers') }}}}",
        "depends_on": {"nodes": [PORT]},
    }
    manifest = {
        "metadata": {"project_name": "marts", "adapter_type": adapter},
        "nodes": {PORT: port, MODEL: model},
        "sources": {},
    }
    found = ProjectColumns(manifest, Path(), {PORT: columns}, {})
    return found.needed_columns(PORT) or set(), found.unresolved_columns(MODEL)


@pytest.mark.parametrize(
    ("adapter", "sql", "reads", "lacks"),
    [
        ("snowflake", 'select "Id", name', {'"Id"', "name"}, set()),
        ("snowflake", 'select "NAME"', {"name"}, set()),
        ("snowflake", "select id", set(), {"id"}),
        ("snowflake", 'select "name"', set(), {'"name"'}),
        ("postgres", 'select "Id", NAME', {'"Id"', "name"}, set()),
        ("postgres", "select Id", set(), {"id"}),
        ("postgres", 'select "NAME"', set(), {'"NAME"'}),
        ("postgres", 'select dim_customers."Id"', {'"Id"'}, set()),
        ("snowflake", "select Dim_Customers.name", {"name"}, set()),
    ],
)
def test_a_name_is_another_columns_where_the_warehouse_tells_them_apart(
    adapter: str, sql: str, reads: set[str], lacks: set[str]
) -> None:
    assert read(adapter, sql, ('"Id"', "name")) == (reads, lacks)


@pytest.mark.parametrize("adapter", ["duckdb", "spark", "sqlite", "trino"])
def test_it_is_the_same_columns_where_the_warehouse_does_not(adapter: str) -> None:
    assert read(adapter, "select ID, Name", ("id", "name")) == ({"id", "name"}, set())
