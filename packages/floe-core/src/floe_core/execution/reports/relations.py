"""What is known of the relations that a build made, for an orchestrator to show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from floe_core.dbt.built_columns import BuiltRelation, kept_relation
from floe_core.dbt.invocation import target_of_build, target_of_freshness
from floe_core.execution.freshness_run import RESULTS_FILE, read_freshness
from floe_core.lineage.compiled_sql import MAX_ATTEMPTS, compiled_sql
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Column, Node
from floe_core.storage.state_folder import state_place

# Column -> the columns that its values come from, each with the id of its node.
ColumnOrigins = Mapping[str, tuple[tuple[str, str], ...]]


def built_relation(
    artifacts: CompiledArtifacts, request: BuildRequest, node_id: str
) -> BuiltRelation:
    """Return a relation as the warehouse has it after its build; an empty one if it is not known.

    Only a request that `wants_columns`, and a dbt in this process, records it.
    """
    return kept_relation(target_of_build(artifacts.folder, request), node_id)


def column_origins(
    artifacts: CompiledArtifacts, request: BuildRequest, node_id: str
) -> ColumnOrigins | None:
    """Return where each column of a built model comes from; None if its SQL is not understood.

    It takes some milliseconds. Columns of parents are those of their last recorded build, else
    those that the project documents.
    """
    # An orchestrator that does not ask does not load the reader of SQL.
    from floe_core.sql.columns.known_tables import KnownTable
    from floe_core.sql.query_columns import derive

    node, target = artifacts.by_id[node_id], target_of_build(artifacts.folder, request)
    sql = compiled_sql(target / "compiled", node)
    if not sql:
        return None
    parents = {_name(n): n for i in node.depends_on if _name(n := artifacts.by_id[i])}
    tables = []
    for name, parent in parents.items():
        known = _columns(artifacts, request, parent)
        names = tuple(column.name for column in known or parent.columns)
        tables.append(KnownTable(name, names, is_complete=bool(known)))
    derived = derive(sql, artifacts.dbt.adapter, tables)
    if not derived.columns:
        return None
    return {
        name: tuple(sorted({(parents[each.table].unique_id, each.column) for each in origins}))
        for name, origins in derived.columns
    }


def source_loaded_at(
    artifacts: CompiledArtifacts, request: BuildRequest, source_id: str
) -> datetime | None:
    """Return when rows were last loaded into a source, as a run measured; None if it did not."""
    results = read_freshness(target_of_freshness(artifacts.folder, request) / RESULTS_FILE)
    found = results.get(source_id, {}).get("max_loaded_at")
    return datetime.fromisoformat(str(found)) if found else None


def _name(node: Node) -> str:
    parts = (node.database, node.schema_name, node.identifier)
    return ".".join(part for part in parts if part) if node.identifier else ""


def _columns(artifacts: CompiledArtifacts, request: BuildRequest, node: Node) -> tuple[Column, ...]:
    """Return the columns of a node as this build, or the last one that did, recorded them."""
    here = built_relation(artifacts, request, node.unique_id).columns
    if here or not node.is_relation:
        return here
    earlier = (kept_relation(path, node.unique_id).columns for path in _targets(artifacts))
    return next((columns for columns in earlier if columns), ())


def _targets(artifacts: CompiledArtifacts) -> Iterator[Path]:
    """Yield the folders that dbt wrote to in the last attempts of any run, the last one first."""
    found = []
    for path in state_place(artifacts.folder).glob("runs/*/attempt-*"):
        with suppress(OSError):
            found.append((path.stat().st_mtime_ns, path))
    yield from (path for _, path in sorted(found, reverse=True)[:MAX_ATTEMPTS])
