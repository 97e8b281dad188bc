"""All that a plan depends on, and what it decides."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from floe_core.reuse.standing import WarehouseFacts
from floe_core.reuse.state import Entry, State, Versions
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node

# Any other materialization may keep rows from one build to the next.
_PLAIN = frozenset({"", "table", "view", "seed", "test", "unit"})
Action = Literal["build", "reuse"]


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a plan depends on.

    `wanted` are the ids of the nodes to plan, `codes` node id -> the SQL that dbt compiled, `seeds`
    seed id -> the version of its file. `engine` changes with the versions of dbt, its adapter and
    the warehouse. `token` is a version that no other run has. `builds_all` forbids reuse and says
    why. `forced` are nodes that are built whatever speaks for them; `built` are the columns of what
    this run has built, once it is over. Where it `compares`, the state is another compilation and
    not a build: what is read from outside is then the same for both, and nothing is replaced.
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


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one node, and why; `entry` is what a green build of it is remembered as.

    `seconds` is how long its last build took, None where that is not known.
    """

    action: Action
    why: str
    entry: Entry
    seconds: float | None = None


Plan = Mapping[str, Decision]


def is_adding(node: Node) -> bool:
    """Return whether a build adds to what there is of a node already."""
    return node.resource_type == "snapshot" or node.materialization not in _PLAIN
