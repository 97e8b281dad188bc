"""A small product, made by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from floe_core.schemas.compiled_artifacts import CompiledArtifacts

NODES: list[dict[str, Any]] = [
    {"unique_id": "seed.shop.raw", "name": "raw", "resource_type": "seed"},
    {
        "unique_id": "model.shop.orders",
        "name": "orders",
        "resource_type": "model",
        "materialization": "table",
        "depends_on": ["seed.shop.raw"],
        "tags": ["daily"],
        "description": "One row an order.",
        "database": "shop",
        "schema_name": "main",
    },
    {
        "unique_id": "test.shop.unique_orders_id.1a2b",
        "name": "unique_orders_id",
        "resource_type": "test",
        "depends_on": ["model.shop.orders"],
    },
    {"unique_id": "source.shop.crm.people", "name": "people", "resource_type": "source"},
]


@pytest.fixture
def make_artifacts() -> Callable[..., CompiledArtifacts]:
    """Return a function that makes the product `shop`, fields of it replaced."""

    def make(**fields: Any) -> CompiledArtifacts:
        product = {
            "name": "shop",
            "version": "1.0.0",
            "owner": "shop@example.com",
            "description": "What was sold.",
            "labels": {"domain": "retail"},
        }
        return CompiledArtifacts.model_validate(
            {
                "product": product,
                "orchestrator": {"name": "airflow"},
                "dbt": {
                    "project_name": "shop",
                    "profile_name": "shop",
                    "target_name": "dev",
                    "adapter": "duckdb",
                    "version": "1.11.16",
                },
                "nodes": [{"package": "shop", **node} for node in NODES],
                "jobs": [{"name": "shop", "schedule": {"cron": "0 6 * * *", "timezone": "UTC"}}],
                **fields,
            }
        )

    return make
