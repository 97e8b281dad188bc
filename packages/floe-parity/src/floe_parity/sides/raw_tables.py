"""Copies of the tables that a product reads from its own DuckDB file, for a side of parity."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.warehouse.credentials import credentials_of
from floe_core.warehouse.dialect import literal, quote_name

_FROM = "floe_product"
_TABLES = (
    "select schema_name, table_name from duckdb_tables() "
    f"where database_name = '{_FROM}' order by all"
)


def copy_raw_tables(artifacts: CompiledArtifacts, product_file: Path, side_file: Path) -> None:
    """Copy the sources that the product's file has, and nothing in the product builds.

    Raises:
        EnvironmentProblemError: The product's file cannot be read, as while another process writes.
    """
    database = credentials_of(artifacts.dbt, artifacts.folder).database
    wanted = set(_raw_tables(artifacts, database or ""))
    if not wanted or not product_file.is_file():
        return
    import duckdb

    try:
        with duckdb.connect(str(side_file)) as side:
            side.execute(f"attach {literal(str(product_file))} as {_FROM} (read_only)")
            for schema, table in side.execute(_TABLES).fetchall():
                if (schema.lower(), table.lower()) in wanted:
                    own, name = quote_name(schema), quote_name(table)
                    side.execute(f"create schema if not exists {own}")
                    side.execute(f"create table {own}.{name} as from {_FROM}.{own}.{name}")
    except duckdb.Error as error:
        what = f"{product_file}: the sources in it cannot be copied for parity: {error}"
        raise EnvironmentProblemError(what) from error


def _raw_tables(artifacts: CompiledArtifacts, database: str) -> Iterator[tuple[str, str]]:
    """Yield schema and table of sources in the file that are neither built nor written by steps."""
    built = {
        (node.schema_name.lower(), node.identifier.lower())
        for node in artifacts.nodes
        if node.is_runnable
    }
    written = {each for step in artifacts.steps for each in step.sources}
    for node in artifacts.nodes:
        place = (node.schema_name.lower(), node.identifier.lower())
        is_here = node.resource_type == "source" and node.database in ("", database)
        if is_here and place not in built and node.unique_id not in written:
            yield place
