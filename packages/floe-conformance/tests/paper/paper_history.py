"""How the paper orchestrator is asked for its runs: it keeps none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.foundation.service_probe import NoAnswerError, send_request, without_secrets
from floe_core.plugin_api.run_history import NodesOfRun, RecordedRun
from floe_core.plugin_api.unmanaged_schedules import ScheduleState
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

    def backfills_of(
        self, artifacts: CompiledArtifacts, job_name: str, seconds: float
    ) -> Sequence[str]:
        self.ask_for_runs(min(seconds, 0.2))
        return []

    def unmanaged_schedule(self, name: str, seconds: float) -> PaperSchedule:
        return PaperSchedule(lambda: self.ask_for_runs(min(seconds, 0.2)))

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


@dataclass(frozen=True)
class PaperSchedule:
    """A schedule of the service; `ask` raises if that does not respond."""

    ask: Callable[[], None]

    def state(self) -> ScheduleState:
        self.ask()
        return ScheduleState(is_enabled=False)

    def runs(self) -> Sequence[RecordedRun]:
        self.ask()
        return []

    def pause(self) -> None:
        self.ask()

    def resume(self, first: datetime) -> datetime:
        self.ask()
        return first
