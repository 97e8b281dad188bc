"""The power of a plugin that can name what starts when its orchestrator builds a product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from floe_core.schemas.compiled_artifacts import CompiledArtifacts


@runtime_checkable
class ListenerReporter(Protocol):
    """A plugin that can ask a running orchestrator who listens to a product's assets."""

    def listeners_of(self, artifacts: CompiledArtifacts, seconds: float) -> Sequence[str]:
        """Return what floe did not put there, in the orchestrator's own words, sorted.

        Raises:
            EnvironmentProblemError: The orchestrator does not respond, or denies access.
        """
