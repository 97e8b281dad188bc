"""Tell lineage what a build does."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from floe_core.execution.events import BuildEnded, BuildEvent, NodeResult, NodeStarted
from floe_core.execution.invocation import Invocation
from floe_core.execution.request import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


class LineageOfBuild:
    """Hears the events of one build; does nothing for a product whose lineage is off."""

    def __init__(
        self, artifacts: CompiledArtifacts, request: BuildRequest, call: Invocation
    ) -> None:
        self._call = call

    def hear(self, event: BuildEvent) -> None:
        """Pass one event on."""

    def __enter__(self) -> LineageOfBuild:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """End what is open."""


__all__ = ["BuildEnded", "LineageOfBuild", "NodeResult", "NodeStarted", "Path"]
