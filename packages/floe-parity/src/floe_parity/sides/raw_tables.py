"""Copies of the tables that a product reads from its own DuckDB file, for a side of parity."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.schemas.compiled_artifacts import DBT_MANIFEST_FILE, CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_core.warehouse.credentials import credentials_of
from floe_core.warehouse.dialect import literal, quote_name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SIDE = "floe_side"
_TABLES = (
    "select schema_name, table_name, false from duckdb_tables() where database_name = $1 union all "
    "select schema_name, view_name, true from duckdb_views() "
    "where database_name = $1 and not internal order by all"
)


def copy_raw_tables(
    products: Sequence[CompiledArtifacts], product_file: Path, side_file: Path
) -> None:
    """Copy what is in the file of products, and none of them builds: any name may be read.

    A view is copied as a table; one that cannot be read is left out, unless it is a source or its
    name is in the code.

    Raises:
        EnvironmentProblemError: The file cannot be read, as while another process writes.
    """
    if not product_file.is_file():
        return
    import duckdb

    try:
        with duckdb.connect(str(product_file), read_only=True) as connection:
            connection.execute(f"attach {literal(str(side_file))} as {_SIDE} (read_write)")
            _copy(connection, products)
    except duckdb.Error as error:
        what = f"{product_file}: the tables in it cannot be copied for parity: {error}"
        raise EnvironmentProblemError(what) from error


def _copy(connection: DuckDBPyConnection, products: Sequence[CompiledArtifacts]) -> None:
    import duckdb

    own = {place for artifacts in products for place in _own(artifacts)}
    [[file]] = connection.execute("select current_database()").fetchall()
    for schema, table, is_view in connection.execute(_TABLES, [file]).fetchall():
        place = schema.lower(), table.lower()
        if place in own:
            continue
        into, name = f"{_SIDE}.{quote_name(schema)}", quote_name(table)
        connection.execute(f"create schema if not exists {into}")
        raw = f"{quote_name(file)}.{quote_name(schema)}.{name}"
        try:
            connection.execute(f"create table {into}.{name} as from {raw}")
        except duckdb.Error:
            if not is_view or any(_reads(artifacts, place) for artifacts in products):
                raise


def _own(artifacts: CompiledArtifacts) -> set[tuple[str, str]]:
    """Return schema and table of what nodes build, and of the sources that steps write."""
    written = {each for step in artifacts.steps for each in step.sources}
    return {
        _place(node) for node in artifacts.nodes if node.is_runnable or node.unique_id in written
    }


def _reads(artifacts: CompiledArtifacts, place: tuple[str, str]) -> bool:
    own = credentials_of(artifacts.dbt, artifacts.folder).database or ""
    sources = (node for node in artifacts.nodes if node.resource_type == "source")
    is_source = place in {_place(node) for node in sources if node.database in ("", own)}
    return is_source or _is_named(place[1], _code(artifacts.folder / DBT_MANIFEST_FILE))


def _place(node: Node) -> tuple[str, str]:
    return node.schema_name.lower(), node.identifier.lower()


def _code(manifest: Path) -> str:
    """Return the code of the nodes, hooks and macros of a project, in one text."""
    parsed = json.loads(manifest.read_bytes())
    project = parsed["metadata"]["project_name"]
    macros = [each for each in parsed["macros"].values() if each["package_name"] == project]
    texts = [str(macro["macro_sql"]) for macro in macros]
    for node in parsed["nodes"].values():
        config = node.get("config") or {}
        hooks = (config.get(kind) or () for kind in ("pre-hook", "post-hook"))
        texts += [str(node.get("raw_code") or ""), *(str(hook) for part in hooks for hook in part)]
    return "\n".join(texts)


def _is_named(table: str, code: str) -> bool:
    return bool(re.search(rf"(?<!\w){re.escape(table)}(?!\w)", code, re.IGNORECASE))
