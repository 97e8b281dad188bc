"""The verifier of reuse: builds reused nodes beside the run; entry point `floe.verifiers`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from floe_core.foundation.entry_points import InstalledParts
from floe_core.runs.build_events import BuildEvent, NodeResult
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

Tell = Callable[[str], None]
Watch = Callable[[CompiledArtifacts, int], AbstractContextManager[Callable[[BuildEvent], None]]]


class Verification(Protocol):
    """What a build of reused nodes comes to: the same rows, or reuse has gone wrong."""

    @property
    def has_passed(self) -> bool:
        """Whether every node came to what the run reused."""

    def as_dict(self) -> dict[str, Any]:
        """Return this as `floe run --json` prints it."""

    def lines(self) -> Iterator[str]:
        """Yield this as text."""


class Verifier(ABC):
    """Builds a sample of reused nodes beside their relations, and compares."""

    @abstractmethod
    def verify(
        self,
        artifacts: CompiledArtifacts,
        job: str,
        results: Mapping[str, NodeResult],
        percent: float,
        tell: Tell,
        watch: Watch,
    ) -> Verification:
        """Build a part of what the results say was reused, in schemas that are dropped afterwards.

        `tell` gets a line for each stage, `watch` the nodes that are built and how many.

        Raises:
            UsageError: The warehouse can't be checked.
            InvalidProductError: A node would write outside the schemas.
            EnvironmentProblemError: The warehouse can't be reached or read.
        """


VERIFIERS: Mapping[str, Verifier] = InstalledParts("floe.verifiers", Verifier)  # type: ignore[type-abstract]


def installed_verifier() -> Verifier:
    """Return the installed verifier, the first by name."""
    return VERIFIERS[min(VERIFIERS)]
