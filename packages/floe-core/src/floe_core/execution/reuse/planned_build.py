"""Plan a build from dbt's compiled code, the warehouse's relations and the reuse store."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from floe_core.dbt.compiled_code import RunDbt, compile_nodes
from floe_core.dbt.internals import has_dbt_plugins
from floe_core.dbt.invocation import invocation, is_full_refresh
from floe_core.dbt.library import installed_version, library_version
from floe_core.dbt.preloaded_manifest import CATALOGS_FILE, PARSED_FILE, find_changes_in_file
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.reuse.catalogs.catalog import CATALOGS
from floe_core.reuse.live_plan import plan_before_steps
from floe_core.reuse.queries.node_analyses import AnalysisCache
from floe_core.reuse.queries.parts import digest
from floe_core.reuse.situation import Decision, Situation
from floe_core.reuse.state import FORMAT, Entry, State, Versions, compare_codes, unpack_code
from floe_core.reuse.state_store import StateStore
from floe_core.reuse.warehouse_facts import WarehouseFacts, read_warehouse, seed_versions
from floe_core.runs.build_request import BuildRequest
from floe_core.runs.product_redactor import redactor_of
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.node_graph import reached
from floe_core.schemas.nodes import COMPUTING_PACKAGES, Node
from floe_core.secrets.redactor import Redactor
from floe_core.storage.state_folder import state_folder
from floe_core.warehouse.credentials import place_of
from floe_core.warehouse.dialects import list_adapters
from floe_core.warehouse.duckdb_file import duckdb_file, plain_file
from floe_core.warehouse.internals import require_adapter

# Variables that are dbt's flags but differ in every process.
_OF_ONE_PROCESS = frozenset({"DBT_INVOCATION_ID"})


def rendering_keys(
    artifacts: CompiledArtifacts, request: BuildRequest, node_ids: Iterable[str]
) -> dict[str, str]:
    """Return node id -> the key that determines its compiled SQL, for nodes with a known key.

    Getting the SQL from dbt takes as long as `dbt compile`. That is not needed for a node whose
    Jinja reads only what compile has seen (`nodes[].reuse.rendering`), if it has not changed.

    No key is known if the run has vars, or if dbt parses the project at run time.
    """
    if not _runs_what_was_compiled(artifacts, request):
        return {}
    flags = {
        name: value
        for name, value in os.environ.items()
        if name.startswith("DBT_") and name not in _OF_ONE_PROCESS
    }
    dbt = artifacts.dbt
    packages = [installed_version(name) for name in ("dbt-core", f"dbt-{dbt.adapter}")]
    common = digest(packages, dbt.target_name, dbt.project_hash, flags)
    nodes = (artifacts.by_id[node_id] for node_id in node_ids)
    return {
        node.unique_id: digest(common, node.reuse.rendering, _relations(artifacts, node))
        for node in nodes
        if node.reuse.rendering
    }


def known_codes(keys: Mapping[str, str], entries: Mapping[str, Entry]) -> dict[str, str]:
    """Return node id -> its code, for the nodes whose last build has the same key."""
    found = {
        i: entries[i] for i, key in keys.items() if i in entries and entries[i].rendering == key
    }
    return {i: unpack_code(entry.code) for i, entry in found.items() if entry.code}


def _runs_what_was_compiled(artifacts: CompiledArtifacts, request: BuildRequest) -> bool:
    """Return whether dbt gets the parse of compile time unchanged."""
    if artifacts.dbt.executable or request.parameters.vars:
        return False
    if artifacts.job(request.job).vars or (artifacts.folder / CATALOGS_FILE).exists():
        return False
    call = invocation(artifacts, request, (), "compile", is_selected=False)
    kept = artifacts.folder / PARSED_FILE
    if call.parsed_file != PARSED_FILE or not kept.exists() or has_dbt_plugins():
        return False
    return library_version() == artifacts.dbt.version and not find_changes_in_file(kept)


def _relations(artifacts: CompiledArtifacts, node: Node) -> list[tuple[str, ...]]:
    nodes = [node, *(artifacts.by_id[node_id] for node_id in node.depends_on)]
    return [(n.unique_id, n.database, n.schema_name, n.identifier) for n in nodes]


# What click, with which dbt reads its options, takes for true in a variable.
_TRUE = ("1", "true", "t", "yes", "y", "on")
_UNREADABLE = "the warehouse could not be read"


@dataclass(frozen=True)
class PlannedBuild:
    """A plan with its inputs. `problem` is why nothing can be reused, "" if something can.

    `keys` is node id -> the key that determines its compiled code, if known; `reported` are the
    versions of sources that steps have just written.
    """

    situation: Situation
    decisions: Mapping[str, Decision]
    problem: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    reported: Mapping[str, Versions] = field(default_factory=dict)

    def code_of(self, node_id: str) -> str:
        """Return the code that dbt compiled for a node, without secrets; "" for none."""
        return self._redactor.text(self.situation.codes.get(node_id, ""))

    def code_change(self, node_id: str) -> str:
        """Return how a node's code differs from that of its last green build, as a unified diff.

        It is "" if both mean the same, or if the earlier code is not known.
        """
        decision = self.decisions[node_id]
        last = decision.last
        if last is None or last.traits.get("code") == decision.entry.traits.get("code"):
            return ""
        before, after = unpack_code(last.code), self.code_of(node_id)
        return compare_codes(before, after, last.run_id) if before and after else ""

    @cached_property
    def _redactor(self) -> Redactor:
        return redactor_of(self.situation.artifacts)


def plan_build(
    artifacts: CompiledArtifacts,
    request: BuildRequest,
    node_ids: tuple[str, ...],
    store: StateStore,
    run_dbt: RunDbt,
    words: Mapping[str, str] | None = None,
) -> PlannedBuild:
    """Return what a build of these nodes would do; read the warehouse, and change nothing.

    `words` is source id -> the version reported by the step that wrote it. Steps among the nodes
    count as not yet run.
    """
    refused = why_not(artifacts)
    keys = {} if refused else rendering_keys(artifacts, request, node_ids)
    # Identifying the database requires dbt's adapter, which may be missing if reuse is refused.
    before = store.read().of_subject(subject_of(artifacts)) if keys else State()
    codes = known_codes(keys, before.entries)
    unknown = () if refused else tuple(i for i in node_ids if i not in codes)
    codes |= compile_nodes(artifacts, request, unknown, run_dbt, keys)
    involved = _involved_nodes(artifacts, node_ids)
    facts = WarehouseFacts() if refused else read_facts(artifacts, involved, words)
    state = store.read()
    own = state if refused else state.of_subject(subject_of(artifacts))
    shown = set(involved).intersection(own.entries).difference(node_ids)
    codes |= {i: unpack_code(own.entries[i].code) for i in shown}
    problem = refused or facts.problem or store.problem or _of_another(state, own)
    cache = AnalysisCache(state_folder(artifacts.folder))
    situation = Situation(
        artifacts,
        frozenset(node_ids),
        codes,
        {} if refused else _seeds(artifacts, node_ids),
        own,
        facts,
        _engine(artifacts, facts),
        str(uuid.uuid4()),
        request.run_id,
        builds_all=_reason_for_full_build(artifacts, request, refused, facts),
        now=time.time(),
        analyse=cache.analyse,
    )
    decisions = plan_before_steps(situation)
    cache.save()
    reported = {i: facts.sources[i] for i in words or {} if i in facts.sources}
    return PlannedBuild(situation, decisions, problem, keys, reported)


def why_not(artifacts: CompiledArtifacts) -> str:
    """Return why no build of a product can reuse anything, "" if one can."""
    adapter = artifacts.dbt.adapter
    if adapter not in CATALOGS:
        return f"reuse cannot read the state of {adapter}; it works on {list_adapters(CATALOGS)}"
    if plain_file(artifacts.dbt, artifacts.folder):
        return ""
    try:
        require_adapter(adapter)
    except EnvironmentProblemError as error:
        return str(error)
    if adapter == "duckdb" and duckdb_file(artifacts.dbt.profile, artifacts.folder) is None:
        return "DuckDB has no file here, so nothing stands from one run to the next"
    return ""


def _reason_for_full_build(
    artifacts: CompiledArtifacts, request: BuildRequest, refused: str, facts: WarehouseFacts
) -> str:
    """Return why no node can be reused, in a few words, "" if the run may reuse."""
    if refused:
        return "nothing can be reused here"
    if facts.problem:
        return _UNREADABLE
    if request.range is not None:
        return "a backfill builds all of its range"
    by_variable = os.environ.get("DBT_FULL_REFRESH", "").lower() in _TRUE
    if is_full_refresh(artifacts, request) or by_variable:
        return "a full refresh builds everything"
    return "" if request.may_reuse else "this run builds everything that it selects"


def read_facts(
    artifacts: CompiledArtifacts, node_ids: Iterable[str], words: Mapping[str, str] | None = None
) -> WarehouseFacts:
    """Return the state of these nodes in the warehouse, or why it is not known."""
    try:
        return read_warehouse(artifacts, node_ids, words or {})
    except EnvironmentProblemError as error:
        return WarehouseFacts(problem=f"{_UNREADABLE}: {error}")


def subject_of(artifacts: CompiledArtifacts) -> str:
    """Return what a state describes: this product, in this database of this server."""
    return digest(artifacts.product.name, place_of(artifacts.dbt, artifacts.folder))


def _of_another(state: State, own: State) -> str:
    if own is state or not state.subject:
        return ""
    return "the state is of another product or database, so everything is built"


def _involved_nodes(artifacts: CompiledArtifacts, node_ids: tuple[str, ...]) -> list[str]:
    """Return the nodes whose relations a plan needs: these, and those that they read, by views."""
    views = (i for i, node in artifacts.by_id.items() if node.materialization == "view")
    edges = {i: artifacts.by_id[i].depends_on for i in (*views, *node_ids)}
    return sorted({*node_ids, *reached(node_ids, edges)})


def _seeds(artifacts: CompiledArtifacts, node_ids: tuple[str, ...]) -> dict[str, Versions]:
    nodes = [artifacts.by_id[i] for i in node_ids]
    found = {n.unique_id: seed_versions(artifacts, n) for n in nodes if n.resource_type == "seed"}
    return {node_id: each for node_id, each in found.items() if each is not None}


def _engine(artifacts: CompiledArtifacts, facts: WarehouseFacts) -> str:
    dbt = artifacts.dbt
    names = ["sqlglot", "dbt-adapters", f"dbt-{dbt.adapter}"]
    if any(node.language == "python" for node in artifacts.built):
        names += COMPUTING_PACKAGES
    packages = [installed_version(name) for name in names]
    # The settings of a Spark session, including its dialect and time zone.
    settings = [facts.settings, dbt.profile.get("server_side_parameters")]
    return digest(FORMAT, dbt.version, dbt.target_name, facts.version, packages, settings)
