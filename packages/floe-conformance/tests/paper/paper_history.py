"""How the paper orchestrator is asked for its runs: it keeps none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from time import monotonic
from typing import Any

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.foundation.service_probe import NoAnswerError, send_request, without_secrets
from floe_core.plugin_api.run_history import NodesOfRun, RecordedRun
from floe_core.plugin_api.unmanaged_schedules import UnmanagedSchedule
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


class AsksForRuns:
    """Asked for its runs, a service has to answer `paper`."""

    settings: Mapping[str, Any]

    def recent_runs(
        self,
        products: Sequence[CompiledArtifacts],
        since: datetime | None,
        most: int,
        seconds: float,
    ) -> Sequence[RecordedRun]:
        self.ask_for_runs(min(seconds, 0.2))
        return []

    def nodes_of_run(
        self, product: CompiledArtifacts, run: RecordedRun, seconds: float
    ) -> NodesOfRun:
        self.ask_for_runs(min(seconds, 0.2))
        return NodesOfRun()

    def listeners_of(self, artifacts: CompiledArtifacts, seconds: float) -> Sequence[str]:
        self.ask_for_runs(min(seconds, 0.2))
        return []

    def unmanaged_schedule(self, name: str, seconds: float) -> UnmanagedSchedule:
        self.ask_for_runs(min(seconds, 0.2))
        return UnmanagedSchedule(is_enabled=False)

    def unmanaged_runs(self, name: str, seconds: float) -> Sequence[RecordedRun]:
        self.ask_for_runs(min(seconds, 0.2))
        return []

    def pause_unmanaged(self, name: str, seconds: float) -> None:
        self.ask_for_runs(min(seconds, 0.2))

    def resume_unmanaged(self, name: str, first: datetime, seconds: float) -> datetime:
        self.ask_for_runs(min(seconds, 0.2))
        return first

    def ask_for_runs(self, seconds: float) -> None:
        url = self.settings["url"]
        try:
            answer = send_request("GET", url, deadline=monotonic() + seconds)
        except NoAnswerError as error:
            raise EnvironmentProblemError(error.reason) from None
        if answer.body != b"paper":
            raise EnvironmentProblemError(self.no_runs(url))

    def no_runs(self, url: str) -> str:
        return f"{without_secrets(url)} has no runs; set url"
