"""Copies of the tables that a product reads from its own DuckDB file, for a side of parity."""

from __future__ import annotations

import json
import re
from pathlib import Path

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_core.warehouse.credentials import credentials_of
from floe_core.warehouse.dialect import literal, quote_name

_FROM = "floe_product"
_TABLES = (
    "select schema_name, table_name from duckdb_tables() where database_name = $1 union all "
    "select schema_name, view_name from duckdb_views() where database_name = $1 and not internal "
    "order by all"
)


def copy_raw_tables(
    artifacts: CompiledArtifacts, manifest: bytes, product_file: Path, side_file: Path
) -> None:
    """Copy what the product reads from its file, and nothing in the product builds.

    That is sources, and tables whose name is in the code of the project, whose `manifest` is dbt's.
    A view is copied as a table.

    Raises:
        EnvironmentProblemError: The product's file cannot be read, as while another process writes.
    """
    if not product_file.is_file():
        return
    import duckdb

    own, sources, code = _own(artifacts), _sources(artifacts), _code(manifest)
    try:
        with duckdb.connect(str(side_file)) as side:
            side.execute(f"attach {literal(str(product_file))} as {_FROM} (read_only)")
            for schema, table in side.execute(_TABLES, [_FROM]).fetchall():
                place = schema.lower(), table.lower()
                if place not in own and (place in sources or _is_named(table, code)):
                    to, name = quote_name(schema), quote_name(table)
                    side.execute(f"create schema if not exists {to}")
                    side.execute(f"create table {to}.{name} as from {_FROM}.{to}.{name}")
    except duckdb.Error as error:
        what = f"{product_file}: the sources in it cannot be copied for parity: {error}"
        raise EnvironmentProblemError(what) from error


def _own(artifacts: CompiledArtifacts) -> set[tuple[str, str]]:
    """Return schema and table of what nodes build, and of the sources that steps write."""
    written = {each for step in artifacts.steps for each in step.sources}
    return {
        _place(node) for node in artifacts.nodes if node.is_runnable or node.unique_id in written
    }


def _sources(artifacts: CompiledArtifacts) -> set[tuple[str, str]]:
    own = credentials_of(artifacts.dbt, artifacts.folder).database or ""
    sources = (node for node in artifacts.nodes if node.resource_type == "source")
    return {_place(node) for node in sources if node.database in ("", own)}


def _place(node: Node) -> tuple[str, str]:
    return node.schema_name.lower(), node.identifier.lower()


def _code(manifest: bytes) -> str:
    """Return the code of the nodes, hooks and macros of a project, in one text."""
    parsed = json.loads(manifest)
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
