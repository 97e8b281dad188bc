"""What a build of reused nodes comes to: the same rows, or reuse has gone wrong.

Builds them beside the run by the entry point `floe.verifiers`.
"""

from __future__ import annotations

import math
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from floe_core.foundation.entry_points import InstalledParts
from floe_core.foundation.errors import UsageError
from floe_core.runs.build_events import BuildEvent, NodeResult
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

# What else is reused has rows of earlier builds, or none.
_COMPARABLE = ("table", "view", "seed")

Tell = Callable[[str], None]
Watch = Callable[[CompiledArtifacts, int], AbstractContextManager[Callable[[BuildEvent], None]]]


@dataclass(frozen=True)
class Verification:
    """Reused nodes that were built again: all of them, and what differs.

    `failures` is node id -> dbt's message, for those that could not be built. `reasons` is node id
    -> why the run reused it.
    """

    node_ids: tuple[str, ...] = ()
    differing: tuple[str, ...] = ()
    failures: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_passed(self) -> bool:
        """Whether every node came to what the run reused."""
        return not (self.differing or self.failures or self.problem)

    def as_dict(self) -> dict[str, Any]:
        """Return this as `floe run --json` prints it."""
        return {
            "verified": list(self.node_ids),
            "differing": {each: self.reasons[each] for each in self.differing},
            "failures": dict(self.failures),
            "problem": self.problem,
        }


class Verifier(ABC):
    """Builds a sample of reused nodes beside their relations, and compares."""

    @abstractmethod
    def verify(
        self, product: Path, job: str, sample: Mapping[str, str], tell: Tell, watch: Watch
    ) -> Verification:
        """Build the sample in schemas of its own, from the relations of the run; they are dropped.

        `sample` is what `choose_sample` returns. `tell` gets a line for each stage, `watch` the
        nodes that are built and how many.

        Raises:
            UsageError: The warehouse can't be checked.
            InvalidProductError: A node would write outside the schemas.
            EnvironmentProblemError: The warehouse can't be reached or read.
        """


VERIFIERS: Mapping[str, Verifier] = InstalledParts("floe.verifiers", Verifier)  # type: ignore[type-abstract]


def installed_verifier() -> Verifier:
    """Return the installed verifier, the first by name.

    Raises:
        UsageError: There is none.
    """
    for name in sorted(VERIFIERS):
        return VERIFIERS[name]
    raise UsageError("--verify needs the package floe-ci beside floe: `pip install floe-ci`")


def choose_sample(
    artifacts: CompiledArtifacts, results: Mapping[str, NodeResult], percent: float
) -> dict[str, str]:
    """Return node id -> why it was reused, for a random part of the reused tables and views."""
    reused = {i: each.message for i, each in sorted(results.items()) if each.status == "reused"}
    nodes = (artifacts.by_id[node_id] for node_id in reused)
    known = [
        node.unique_id
        for node in nodes
        if (node.materialization or "seed") in _COMPARABLE and not node.reuse.lag_seconds
    ]
    count = math.ceil(len(known) * percent / 100)
    return {node_id: reused[node_id] for node_id in sorted(random.sample(known, count))}
