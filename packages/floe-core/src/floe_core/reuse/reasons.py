"""Explain why a node that was built before is built again."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from floe_core.reuse.queries.parts import ROWS, WHOLE
from floe_core.reuse.state import Entry
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_UNITS = (("day", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_REASONS = {
    "code": "its code changed",
    "configuration": "its configuration changed",
    "relation": "its relation has another name or materialization",
    "project": "the project's vars or hooks changed",
    "engine": "another version of dbt, its adapter or the warehouse, or other settings",
    "columns": "its columns are made otherwise",
}


def why_built(artifacts: CompiledArtifacts, before: Entry, now: Entry) -> str:
    """Return what differs from the last green build, "" for nothing."""
    for name, reason in _REASONS.items():
        if name != "columns" and before.traits.get(name) != now.traits.get(name):
            return reason
    for parent, columns in now.reads.items():
        known = before.reads.get(parent, {})
        changed = sorted(name for name, each in columns.items() if known.get(name) != each)
        if changed:
            since = _lead(before.newest.get(parent, ""), now.newest.get(parent, ""))
            return _of_parent(artifacts, parent, changed, since)
    return "" if before.is_made_as(now) else _REASONS["columns"]


def _of_parent(artifacts: CompiledArtifacts, parent: str, changed: list[str], since: str) -> str:
    node = artifacts.by_id.get(parent)
    label = node.label if node else parent
    if node is not None and node.resource_type == "source":
        change = f"is {since}" if since else "is new"
        return f"source {node.source_name}.{label} {change}"
    columns = [name for name in changed if name not in (ROWS, WHOLE)]
    if not columns or ROWS in changed or WHOLE in changed:
        return f"{label} is new"
    what = "column" if len(columns) == 1 else "columns"
    return f"{what} {', '.join(columns)} of {label} {'is' if len(columns) == 1 else 'are'} new"


def _lead(before: str, now: str) -> str:
    """Return by how much a time is later or earlier, "" if they are equal or not times.

    >>> _lead("2026-11-26 22:00:00", "2026-11-27 00:10:00"), _lead("41", "42")
    ('newer by 2 h', '')
    """
    moments = (_moment(before), _moment(now))
    if moments[0] is None or moments[1] is None or moments[0] == moments[1]:
        return ""
    seconds = (moments[1] - moments[0]).total_seconds()
    return f"{'newer' if seconds > 0 else 'older'} by {_span(abs(seconds))}"


def _moment(text: str) -> datetime | None:
    """Return the time in a warehouse's text, in UTC if it has no zone."""
    if not _DATE.match(text):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _span(seconds: float) -> str:
    for name, length in _UNITS:
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {name}{'s' if name == 'day' and count > 1 else ''}"
    return "less than 1 s"
