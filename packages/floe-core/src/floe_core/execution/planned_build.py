"""Plan a build: ask dbt what it compiles, the warehouse what stands, and the store what it was."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from floe_core.build_request import BuildRequest
from floe_core.errors import EnvironmentProblemError
from floe_core.execution.compiled_code import RunDbt, compile_nodes
from floe_core.reuse.parts import digest
from floe_core.reuse.plan import make_plan
from floe_core.reuse.seed_versions import seed_versions
from floe_core.reuse.situation import Decision, Situation
from floe_core.reuse.standing import WarehouseFacts, read_warehouse
from floe_core.reuse.state import FORMAT, State, Versions
from floe_core.reuse.state_store import StateStore
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.warehouse.credentials import place_of
from floe_core.warehouse.dialects import DIALECTS
from floe_core.warehouse.duckdb_file import duckdb_file


@dataclass(frozen=True, slots=True)
class PlannedBuild:
    """A plan with what it was made of. `problem` is why nothing is reused, "" where some may be."""

    situation: Situation
    decisions: Mapping[str, Decision]
    problem: str = ""


def plan_build(
    artifacts: CompiledArtifacts,
    request: BuildRequest,
    node_ids: tuple[str, ...],
    store: StateStore,
    run_dbt: RunDbt,
) -> PlannedBuild:
    """Return what a build of these nodes would do; reads the warehouse, and changes nothing."""
    refused = why_not(artifacts)
    codes = {} if refused else compile_nodes(artifacts, request, node_ids, run_dbt)
    facts = WarehouseFacts() if refused else read_facts(artifacts, _involved(artifacts, node_ids))
    state = store.read()
    own = state.of_subject(subject_of(artifacts))
    problem = refused or facts.problem or store.problem or _of_another(state, own)
    situation = Situation(
        artifacts,
        frozenset(node_ids),
        codes,
        _seeds(artifacts, node_ids),
        own,
        facts,
        _engine(artifacts, facts),
        str(uuid.uuid4()),
        request.run_id,
        builds_all=refused or facts.problem or _asked_for(request),
    )
    return PlannedBuild(situation, make_plan(situation), problem)


def why_not(artifacts: CompiledArtifacts) -> str:
    """Return why no build of a product can reuse anything, "" where one can."""
    adapter = artifacts.dbt.adapter
    if adapter not in DIALECTS:
        known = " and ".join(sorted(DIALECTS))
        return f"what stands in {adapter} cannot be told; reuse works on {known}"
    if adapter == "duckdb" and duckdb_file(artifacts.dbt.profile, artifacts.folder) is None:
        return "DuckDB has no file here, so nothing stands from one run to the next"
    if artifacts.steps:
        return "what steps write is known only when they have run, so everything is built"
    return ""


def _asked_for(request: BuildRequest) -> str:
    """Return why a run is to build all of it, "" where it may reuse."""
    if request.range is not None:
        return "a backfill builds all of its range"
    if request.parameters.full_refresh:
        return "a full refresh builds everything"
    return "" if request.may_reuse else "this run builds all that it was asked for"


def read_facts(artifacts: CompiledArtifacts, node_ids: Iterable[str]) -> WarehouseFacts:
    """Return what stands of these nodes in the warehouse, or why that is not known."""
    try:
        return read_warehouse(artifacts, node_ids)
    except EnvironmentProblemError as error:
        return WarehouseFacts(problem=f"the warehouse could not be read: {error}")


def subject_of(artifacts: CompiledArtifacts) -> str:
    """Return what a state is of: this product, in this database of this server."""
    return digest(artifacts.product.name, place_of(artifacts.dbt, artifacts.folder))


def _of_another(state: State, own: State) -> str:
    if own is state or not state.subject:
        return ""
    return "the state is of another product or database, so everything is built"


def _involved(artifacts: CompiledArtifacts, node_ids: tuple[str, ...]) -> list[str]:
    """Return the nodes whose relations a plan asks for: these, and what they read."""
    read = {parent for i in node_ids for parent in artifacts.by_id[i].depends_on}
    return sorted({*node_ids, *read})


def _seeds(artifacts: CompiledArtifacts, node_ids: tuple[str, ...]) -> dict[str, Versions]:
    nodes = [artifacts.by_id[i] for i in node_ids]
    found = {n.unique_id: seed_versions(artifacts, n) for n in nodes if n.resource_type == "seed"}
    return {node_id: each for node_id, each in found.items() if each is not None}


def _engine(artifacts: CompiledArtifacts, facts: WarehouseFacts) -> str:
    packages = [_version(name) for name in ("sqlglot", f"dbt-{artifacts.dbt.adapter}")]
    dbt = artifacts.dbt
    return digest(FORMAT, dbt.version, dbt.target_name, facts.version, packages)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
