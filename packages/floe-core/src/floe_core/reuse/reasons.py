"""Say why a node is built that was built before."""

from __future__ import annotations

from floe_core.reuse.parts import ROWS, WHOLE
from floe_core.reuse.state import Entry
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

_TOLD = {
    "code": "its code changed",
    "configuration": "its configuration changed",
    "relation": "its relation has another name or materialization",
    "project": "the project's vars or hooks changed",
    "engine": "another version of dbt, its adapter or the warehouse",
    "columns": "its columns are made otherwise",
}


def why_built(artifacts: CompiledArtifacts, before: Entry, now: Entry) -> str:
    """Return what differs from the last green build, "" for nothing."""
    for name, told in _TOLD.items():
        if name != "columns" and before.traits.get(name) != now.traits.get(name):
            return told
    for parent, columns in now.reads.items():
        known = before.reads.get(parent, {})
        changed = sorted(name for name, each in columns.items() if known.get(name) != each)
        if changed:
            return _of_parent(artifacts, parent, changed)
    return _TOLD["columns"] if before.fingerprint != now.fingerprint else ""


def _of_parent(artifacts: CompiledArtifacts, parent: str, changed: list[str]) -> str:
    node = artifacts.by_id.get(parent)
    label = node.label if node else parent
    if node is not None and node.resource_type == "source":
        return f"source {node.source_name}.{label} is new"
    columns = [name for name in changed if name not in (ROWS, WHOLE)]
    if not columns or ROWS in changed or WHOLE in changed:
        return f"{label} is new"
    what = "column" if len(columns) == 1 else "columns"
    return f"{what} {', '.join(columns)} of {label} {'is' if len(columns) == 1 else 'are'} new"
