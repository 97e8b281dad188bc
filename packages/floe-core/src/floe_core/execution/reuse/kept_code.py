"""Return the compiled code of nodes without dbt, if it must equal that of their last build.

Getting it from dbt takes as long as `dbt compile`. That is not needed for a node whose Jinja reads
only what compile has seen (`nodes[].reuse.rendering`), if none of that has changed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from floe_core.dbt.internals import has_dbt_plugins
from floe_core.dbt.invocation import invocation
from floe_core.dbt.library import installed_version, library_version
from floe_core.dbt.parse_environment import find_changes_in_file
from floe_core.dbt.preloaded_manifest import CATALOGS_FILE, PARSED_FILE
from floe_core.reuse.code_texts import unpack_code
from floe_core.reuse.queries.parts import digest
from floe_core.reuse.state import Entry
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node

# Variables that are dbt's flags but differ in every process.
_OF_ONE_PROCESS = frozenset({"DBT_INVOCATION_ID"})


def rendering_keys(
    artifacts: CompiledArtifacts, request: BuildRequest, node_ids: Iterable[str]
) -> dict[str, str]:
    """Return node id -> the key that determines its compiled SQL, for nodes with a known key.

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
