"""Find the nodes that a change affects: changed ones, and readers of columns that differ.

The planner of reuse decides, with the base in place of the last build. External inputs, such as
the time, count as equal for both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from floe_ci.compilations import Compilation
from floe_core.dbt.compiled_code import compile_nodes
from floe_core.execution.build_run import run_dbt
from floe_core.reuse.catalogs.catalog import Catalog, catalog_of
from floe_core.reuse.plan import make_plan
from floe_core.reuse.queries.parts import digest
from floe_core.reuse.situation import Situation
from floe_core.reuse.state import Entry, RelationFacts, State, Versions
from floe_core.reuse.warehouse_facts import WarehouseFacts, seed_versions
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_core.warehouse.connection import open_warehouse
from floe_core.warehouse.table_contents import relation_of
from floe_core.warehouse.warehouse import Warehouse

RUN_ID = "ci"
# Whatever a relation contains, it is assumed that the base built it.
_AS_IN_PRODUCTION = "production"
Columns = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Affected:
    """Node id -> why it is built, parents first. `in_production` has the relations of the base."""

    why: Mapping[str, str]
    in_production: frozenset[str]


def affected_nodes(base: Compilation, head: Compilation) -> Affected:
    """Return the nodes of the head to build so that all its effects become visible.

    dbt compiles both, and the columns of production's relations are read.

    Raises:
        EnvironmentProblemError: The warehouse can't be read.
    """
    before = _columns_in_production(base)
    now = _columns_in_production(head)
    present = frozenset(i for i in before if base.artifacts.by_id[i].is_relation)
    entries = _entries(base, before, present)
    relations = {i: RelationFacts(_AS_IN_PRODUCTION, before.get(i, ())) for i in entries}
    state = State(entries={i: replace(e, relation=relations[i]) for i, e in entries.items()})
    facts = WarehouseFacts(relations, _sources(head, now))
    decisions = make_plan(_situation(head, facts, state, {}))
    changed = {
        node_id: _reason_for_difference(each.why) if node_id in entries else "new"
        for node_id, each in decisions.items()
        if each.action == "build"
    }
    return Affected(_with_missing_parents(head.artifacts, changed, present), present)


def _reason_for_difference(why: str) -> str:
    """Return why a node is built, where the last build was none: nothing is new, but different."""
    return re.sub(r" (?:is|(are)) new$", lambda match: " differ" if match[1] else " differs", why)


def _entries(base: Compilation, columns: Columns, present: Iterable[str]) -> dict[str, Entry]:
    """Return node id -> the entry that a build of the base would store."""
    facts = WarehouseFacts({}, _sources(base, columns))
    built = {node_id: columns[node_id] for node_id in present}
    plan = make_plan(_situation(base, facts, State(), built))
    return {node_id: each.entry for node_id, each in plan.items()}


def _situation(of: Compilation, facts: WarehouseFacts, state: State, built: Columns) -> Situation:
    artifacts = of.artifacts
    wanted = tuple(node.unique_id for node in artifacts.built)
    seeds = {
        node.unique_id: versions
        for node in artifacts.built
        if node.resource_type == "seed" and (versions := seed_versions(artifacts, node))
    }
    return Situation(
        artifacts,
        frozenset(wanted),
        compile_nodes(artifacts, BuildRequest(of.job, RUN_ID, wanted), wanted, run_dbt),
        seeds,
        state,
        facts,
        engine="",
        token=str(artifacts.folder),
        run_id=RUN_ID,
        built=built,
        compares=True,
    )


def _columns_in_production(of: Compilation) -> dict[str, tuple[str, ...]]:
    """Return node id -> the columns that its relation has in production, if there is one."""
    artifacts = of.artifacts
    with open_warehouse(artifacts.dbt, artifacts.folder) as warehouse:
        catalog = catalog_of(artifacts.dbt.adapter)
        nodes = [n for n in artifacts.nodes if n.is_relation or n.resource_type == "source"]
        databases = {node.database for node in nodes}
        here = {d for d in databases if not d or catalog.holds(warehouse, d)}
        found = {
            node.unique_id: _names(warehouse, node, catalog)
            for node in nodes
            if node.database in here
        }
    return {node_id: columns for node_id, columns in found.items() if columns}


def _names(warehouse: Warehouse, node: Node, catalog: Catalog) -> tuple[str, ...]:
    columns = warehouse.columns(relation_of(node))
    return tuple(catalog.names.key(name) for name, _ in columns)


def _sources(of: Compilation, columns: Columns) -> dict[str, Versions]:
    """Return source id -> a version that depends only on its place: both read the same rows."""
    found = {}
    for node in of.artifacts.nodes:
        if node.resource_type == "source":
            version = digest(node.database, node.schema_name, node.identifier)
            known = columns.get(node.unique_id)
            names = None if known is None else dict.fromkeys(known, version)
            found[node.unique_id] = Versions(version, names)
    return found


def _with_missing_parents(
    artifacts: CompiledArtifacts, changed: Mapping[str, str], present: frozenset[str]
) -> dict[str, str]:
    """Add the parents, direct or indirect, that production does not have."""
    found = dict(changed)
    todo = list(changed)
    while todo:
        child = artifacts.by_id[todo.pop()]
        for parent in (artifacts.by_id[i] for i in child.depends_on):
            if parent.is_relation and parent.unique_id not in {*found, *present}:
                found[parent.unique_id] = f"not in production, and {child.label} reads it"
                todo.append(parent.unique_id)
    return {i: found[i] for i in artifacts.graph.in_order() if i in found}
