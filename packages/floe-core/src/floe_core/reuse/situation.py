"""The inputs of a plan, its decisions, and why a node that was built before is built again."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from floe_core.reuse.queries.analysis import Analyse, analyse
from floe_core.reuse.queries.parts import ROWS, WHOLE
from floe_core.reuse.state import Entry, State, Versions
from floe_core.reuse.warehouse_facts import WarehouseFacts
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node

# Any other materialization may keep rows from one build to the next.
_PLAIN = frozenset({"", "table", "view", "seed", "test", "unit"})
Action = Literal["build", "reuse"]


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that a plan depends on.

    `wanted` are the ids of the nodes to plan, `codes` node id -> the SQL that dbt compiled, `seeds`
    seed id -> the version of its file. `engine` changes with the versions of dbt, its adapter and
    the warehouse, and with the settings of its sessions. `token` is a version that no other run
    has. `builds_all` is why nothing may be reused, "" if nodes may be. `forced` are nodes that are
    built in any case; `built` are the columns of the nodes that this run has built, once it is
    over. If it `compares`, the state is another compilation and not a build: external inputs are
    then the same for both, and nothing is replaced. `unchanged` are nodes that are built with the
    content of their last build. `now` is the time of the plan, in seconds since 1970. `analyse` is
    `analysis.analyse`, or a cached version of it.
    """

    artifacts: CompiledArtifacts
    wanted: Collection[str]
    codes: Mapping[str, str]
    seeds: Mapping[str, Versions]
    state: State
    warehouse: WarehouseFacts
    engine: str
    token: str
    run_id: str = ""
    builds_all: str = ""
    forced: Collection[str] = frozenset()
    built: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    compares: bool = False
    unchanged: Collection[str] = frozenset()
    now: float = 0.0
    analyse: Analyse = analyse

    def parents(self, node: Node) -> list[Node]:
        """Return a node's parents, without steps: the sources that they write stand for them."""
        parents = [self.artifacts.by_id[node_id] for node_id in node.depends_on]
        return [parent for parent in parents if not parent.is_step]


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to one node, and why; `entry` is the entry to store after a green build.

    `last` is its last green build, None if none is known. `waits_for` are the ids of the tables
    that are built before it; if their contents do not change, the node is reused.
    """

    action: Action
    why: str
    entry: Entry
    last: Entry | None = None
    waits_for: tuple[str, ...] = ()

    @property
    def seconds(self) -> float | None:
        """How long its last build took."""
        return self.last.seconds if self.last else None

    @property
    def rows(self) -> int | None:
        """How many rows its last build left; None if unknown, and for a view or a test."""
        return self.last.relation.rows if self.last and self.last.relation else None


Plan = Mapping[str, Decision]


def is_adding(node: Node) -> bool:
    """Return whether a build adds to the node's existing relation."""
    return node.resource_type == "snapshot" or node.materialization not in _PLAIN


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
