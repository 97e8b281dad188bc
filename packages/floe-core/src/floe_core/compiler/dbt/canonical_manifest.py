"""Write dbt's manifest without values that differ from one parse to the next."""

from __future__ import annotations

import json
from typing import Any

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
