"""The warehouses that reuse works on, by dbt's names of their adapters; and all others."""

from __future__ import annotations

from floe_core.reuse.catalogs.catalog import Catalog
from floe_core.reuse.catalogs.copies_catalog import CopiesCatalog
from floe_core.reuse.catalogs.duckdb_catalog import DuckDBCatalog
from floe_core.reuse.catalogs.postgres_catalog import PostgresCatalog
from floe_core.reuse.catalogs.snowflake_catalog import SnowflakeCatalog
from floe_core.reuse.catalogs.spark_catalog import SparkCatalog
from floe_core.reuse.catalogs.sqlite_catalog import SQLiteCatalog

CATALOGS: dict[str, Catalog] = {
    "duckdb": DuckDBCatalog(),
    "postgres": PostgresCatalog(),
    "snowflake": SnowflakeCatalog(),
    "spark": SparkCatalog(),
    "sqlite": SQLiteCatalog(),
}


def catalog_of(adapter: str) -> Catalog:
    """Return the catalog of an adapter; where reuse does not work, one to compare changes with."""
    return CATALOGS.get(adapter) or CopiesCatalog()
