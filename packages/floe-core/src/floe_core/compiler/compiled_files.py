"""Files of a compiled folder beside the artifacts: the orchestrator's, and dbt's manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from floe_core import plugin_registry
from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import Inputs
from floe_core.compiler.profile import is_edited, is_generated
from floe_core.compiler.settings import plugin_settings
from floe_core.foundation.errors import Problem
from floe_core.plugin_api.powers import EntryPointFile, EntryPointWriter


def entry_point_of(
    name: str, inputs: Inputs, folder: Path, findings: Findings, *, keeps_theirs: bool
) -> EntryPointFile | None:
    """Return the file that the orchestrator loads, None for one that needs none.

    A file in its place that is not floe's is a problem; with `keeps_theirs` it stays.
    """
    if name not in plugin_registry.installed():
        return None
    plugin = plugin_registry.load(name, plugin_settings(inputs.manifest))
    if not isinstance(plugin, EntryPointWriter):
        return None
    entry_point = plugin.entry_point_file(inputs.spec.metadata.name)
    path = folder / entry_point.filename
    is_ours = not path.is_file() or is_generated(path)
    if is_ours and not (path.is_file() and is_edited(path)):
        return entry_point
    if keeps_theirs:
        findings.notice(f"{entry_point.filename} is yours and stays")
        return None
    what = "this file is not floe's, and compile would have to write over it"
    fix = "move it, or compile elsewhere with --out DIR"
    if is_ours:
        what = "this file was edited since floe wrote it, and compile would write over that"
        fix = (
            "move what you added to a file of yours and delete this one, or compile with --out DIR"
        )
    findings.add(Problem(what, fix, entry_point.filename))
    return None


_MOMENTS = ("generated_at", "invocation_id", "invocation_started_at", "run_started_at", "user_id")


def canonical_manifest(manifest: dict[str, Any]) -> bytes:
    """Return manifest.json for these inputs: the same bytes at any time, in any folder.

    Times and ids of the invocation become null, `created_at` 0 and a seed's `root_path` null; dbt
    can still read the result. The members of a group have the order in which dbt parsed them, which
    depends on what it had parsed before, so they are sorted.
    """
    metadata = {name: value for name, value in manifest["metadata"].items() if name != "env"}
    for name in _MOMENTS:
        if name in metadata:
            metadata[name] = None
    groups = {name: sorted(members) for name, members in manifest.get("group_map", {}).items()}
    return _dump({**_timeless(manifest), "metadata": metadata, "group_map": groups})


def _timeless(value: Any) -> Any:
    """Return the manifest without times; macro and node texts are shared, not copied."""
    sections = {}
    for section, entries in value.items():
        is_table = isinstance(entries, dict) and section != "metadata"
        sections[section] = _timeless_entries(entries) if is_table else entries
    return sections


def _timeless_entries(entries: dict[str, Any]) -> dict[str, Any]:
    return {key: _timeless_entry(entry) for key, entry in entries.items()}


def _timeless_entry(entry: Any) -> Any:
    if isinstance(entry, list):
        return [_timeless_entry(item) for item in entry]
    if not isinstance(entry, dict):
        return entry
    changed = dict(entry)
    if "created_at" in changed:
        changed["created_at"] = 0
    if changed.get("root_path"):
        changed["root_path"] = None
    return changed


def _dump(manifest: dict[str, Any]) -> bytes:
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return (text + "\n").encode()
