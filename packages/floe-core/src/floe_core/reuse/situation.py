"""The inputs of a plan, and its decisions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from floe_core.reuse.queries.analysis import Analyse, analyse
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
