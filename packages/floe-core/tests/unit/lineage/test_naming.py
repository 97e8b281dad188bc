from __future__ import annotations

from typing import Any

import pytest

from floe_core.lineage.naming import (
    node_job_name,
    warehouse_namespace,
    without_credentials,
)

from .product import node


@pytest.mark.parametrize(
    ("profile", "namespace"),
    [
        ({"type": "duckdb", "path": "a/b/shop.duckdb"}, "duckdb://shop"),
        ({"type": "duckdb", "path": "C:\\data\\shop.db"}, "duckdb://shop"),
        ({"type": "duckdb", "path": "{{ env_var('ROOT', '.') }}/shop.duckdb"}, "duckdb://shop"),
        ({"type": "duckdb", "path": "{{ env_var('NOT_SET') }}"}, "duckdb://product"),
        (
            {"type": "duckdb", "path": "{{ env_var('FLOE_PROJECT_DIR', '.') }}/product.duckdb"},
            "duckdb://product",
        ),
        (
            {"type": "duckdb", "path": "{{ env_var('FLOE_PROJECT_DIR', '.') }}/data/shop.duckdb"},
            "duckdb://product/shop",
        ),
        (
            {"type": "duckdb", "path": "{{ env_var('FLOE_PROJECT_DIR', '.') }}/../shop.duckdb"},
            "duckdb://shop",
        ),
        ({"type": "duckdb", "path": ":memory:"}, "duckdb://memory"),
        ({"type": "duckdb"}, "duckdb://product"),
        ({"type": "duckdb", "path": "md:shop?motherduck_token=s3cret"}, "duckdb://shop"),
        ({"type": "duckdb", "path": "md:?motherduck_token=a/s3cret"}, "duckdb://product"),
        ({"type": "postgres", "host": "db", "port": 5433, "password": "x"}, "postgres://db:5433"),
        ({"type": "postgres", "host": "{{ env_var('DB_HOST') }}"}, "postgres://from-env:5432"),
        ({"type": "snowflake", "account": "ab1"}, "snowflake://ab1"),
        ({"type": "snowflake", "account": "ab1", "port": 443}, "snowflake://ab1"),
        (
            {"type": "databricks", "host": "d.example.com", "port": 443},
            "databricks://d.example.com",
        ),
        # Ports as in OpenLineage's own integration of dbt.
        (
            {"type": "spark", "host": "s.example.com", "method": "thrift"},
            "spark://s.example.com:10001",
        ),
        (
            {"type": "spark", "host": "s.example.com", "method": "http"},
            "spark://s.example.com:443",
        ),
        ({"type": "trino", "host": "t.example.com", "port": 443}, "trino://t.example.com:443"),
        ({"type": "redshift", "host": "r.example.com"}, "redshift://r.example.com:5439"),
        ({"type": "clickhouse", "host": "c.example.com"}, "clickhouse://c.example.com:8123"),
        ({"type": "clickhouse"}, "clickhouse://localhost:8123"),
        ({"type": "clickhouse", "host": "c", "secure": True}, "clickhouse://c:8443"),
        ({"type": "clickhouse", "host": "c", "driver": "native"}, "clickhouse://c:9000"),
        (
            {"type": "clickhouse", "host": "c", "driver": "native", "secure": "true"},
            "clickhouse://c:9440",
        ),
        ({"type": "clickhouse", "host": "c", "secure": True, "port": 1}, "clickhouse://c:1"),
        ({"type": "spark", "host": "NA", "method": "session"}, "spark://product"),
        ({"type": "sqlite", "schemas_and_paths": {"main": "/a/b.sqlite"}}, "sqlite://product"),
        ({"type": "bigquery", "project": "p"}, "bigquery"),
        ({"type": "exotic", "host": "h"}, "exotic://h"),
        ({"type": "exotic"}, "exotic://product"),
    ],
)
def test_a_namespace_names_the_warehouse_and_no_path_or_secret(
    profile: dict[str, Any], namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_HOST", "from-env")
    assert warehouse_namespace(profile, "product") == namespace


def test_a_dataset_has_the_parts_that_its_warehouse_has() -> None:
    assert node("model", "a", identifier="b").relation_name == "shop.main.b"
    assert node("model", "a", database="", identifier="").relation_name == "main.a"


def test_a_job_is_named_after_product_kind_and_node() -> None:
    assert node_job_name("p", node("snapshot", "a")) == "p.snapshot.a"
    assert node_job_name("p", node("model", "a", version="3")) == "p.model.a.v3"


@pytest.mark.parametrize(
    ("namespace", "clean"),
    [
        ("postgres://me:s3cret@db:5432", "postgres://db:5432"),
        ("duckdb://shop?motherduck_token=s3cret", "duckdb://shop"),
        ("s3://bucket", "s3://bucket"),
        ("plain", "plain"),
    ],
)
def test_credentials_are_no_part_of_a_namespace(namespace: str, clean: str) -> None:
    assert without_credentials(namespace) == clean
