"""The part of a product that a selection in dbt's syntax names."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

from floe_core.execution import RunParameters, chosen_nodes
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.storage.files import write_whole
from floe_core.storage.state_folder import place_below, state_place
from floe_orchestrator_dagster.names.asset_map import AssetMap

EVERYTHING = "fqn:*"
# What these select depends on more than the manifest.
_OTHER_INPUTS = ("state:", "result:", "source_status:")


def selected_part(
    artifacts: CompiledArtifacts, asset_map: AssetMap, select: str, exclude: str
) -> AssetMap:
    """Return the map of the nodes that are selected and not excluded; "" selects everything.

    Raises:
        UsageError: dbt rejects the selection, or it matches none of the product's nodes.
    """
    if select in ("", EVERYTHING) and not exclude:
        return asset_map
    return asset_map.part(frozenset(_selected(artifacts, select, exclude)))


def _selected(artifacts: CompiledArtifacts, select: str, exclude: str) -> list[str]:
    """Return the ids of the nodes; each process of a code location asks, and dbt takes seconds."""
    path = _kept_answer(artifacts, select, exclude)
    if any(method in f"{select} {exclude}" for method in _OTHER_INPUTS):
        return _ask(artifacts, select, exclude)
    try:
        return [str(node_id) for node_id in json.loads(path.read_bytes())]
    except (OSError, ValueError):
        answer = _ask(artifacts, select, exclude)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(answer).encode())
    except OSError:
        # A folder that can't be written: the next process asks dbt again.
        pass
    return answer


def _ask(artifacts: CompiledArtifacts, select: str, exclude: str) -> list[str]:
    every = (node.unique_id for node in artifacts.runnable)
    return [*chosen_nodes(artifacts, RunParameters(select=select, exclude=exclude), every)]


def _kept_answer(artifacts: CompiledArtifacts, select: str, exclude: str) -> Path:
    steps = (step.unique_id for step in artifacts.steps)
    parts = (artifacts.dbt_manifest_sha256, *steps, select, exclude)
    digest = sha256("\0".join(parts).encode())
    folder = place_below(state_place(artifacts.folder), "selections")
    return folder / f"{digest.hexdigest()[:32]}.json"
