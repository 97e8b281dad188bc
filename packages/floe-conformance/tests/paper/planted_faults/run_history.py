"""Plugins broken in what they know of runs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from paper_history import PaperSchedule
from paper_orchestrator import PaperPlugin

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.run_history import NodesOfRun, RecordedRun
from floe_core.plugin_api.unmanaged_schedules import ScheduleState
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


class VouchesForRunsItCannotSee(PaperPlugin):
    caught_by = "test_runs_of_a_bad_service_are_an_error"

    def recent_runs(
        self,
        products: Sequence[CompiledArtifacts],
        since: datetime | None,
        most: int,
        seconds: float,
    ) -> Sequence[RecordedRun]:
        try:
            return super().recent_runs(products, since, most, seconds)
        except EnvironmentProblemError:
            return []


class VouchesForNodesItCannotSee(PaperPlugin):
    caught_by = "test_runs_of_a_bad_service_are_an_error"

    def nodes_of_run(
        self, product: CompiledArtifacts, run: RecordedRun, seconds: float
    ) -> NodesOfRun:
        try:
            return super().nodes_of_run(product, run, seconds)
        except EnvironmentProblemError:
            return NodesOfRun()


class VouchesForListenersItCannotSee(PaperPlugin):
    caught_by = "test_runs_of_a_bad_service_are_an_error"

    def listeners_of(self, artifacts: CompiledArtifacts, seconds: float) -> Sequence[str]:
        try:
            return super().listeners_of(artifacts, seconds)
        except EnvironmentProblemError:
            return []


class VouchesForBackfillsItCannotSee(PaperPlugin):
    caught_by = "test_runs_of_a_bad_service_are_an_error"

    def backfills_of(
        self, artifacts: CompiledArtifacts, job_name: str, seconds: float
    ) -> Sequence[str]:
        try:
            return super().backfills_of(artifacts, job_name, seconds)
        except EnvironmentProblemError:
            return []


class VouchesForSchedulesItCannotSee(PaperPlugin):
    caught_by = "test_runs_of_a_bad_service_are_an_error"

    def unmanaged_schedule(self, name: str, seconds: float) -> PaperSchedule:
        return _SeemsPaused(super().unmanaged_schedule(name, seconds).ask)


class _SeemsPaused(PaperSchedule):
    def state(self) -> ScheduleState:
        try:
            return super().state()
        except EnvironmentProblemError:
            return ScheduleState(is_enabled=False)


class VouchesForRunsOfOthersItCannotSee(PaperPlugin):
    caught_by = "test_runs_of_a_bad_service_are_an_error"

    def unmanaged_schedule(self, name: str, seconds: float) -> PaperSchedule:
        return _SeemsToHaveNoRuns(super().unmanaged_schedule(name, seconds).ask)


class _SeemsToHaveNoRuns(PaperSchedule):
    def runs(self) -> Sequence[RecordedRun]:
        try:
            return super().runs()
        except EnvironmentProblemError:
            return []


class PausesWhatItCannotReach(PaperPlugin):
    caught_by = "test_runs_of_a_bad_service_are_an_error"

    def unmanaged_schedule(self, name: str, seconds: float) -> PaperSchedule:
        return _SeemsToPause(super().unmanaged_schedule(name, seconds).ask)


class _SeemsToPause(PaperSchedule):
    def pause(self) -> None:
        with suppress(EnvironmentProblemError):
            super().pause()


class ResumesWhatItCannotReach(PaperPlugin):
    caught_by = "test_runs_of_a_bad_service_are_an_error"

    def unmanaged_schedule(self, name: str, seconds: float) -> PaperSchedule:
        return _SeemsToResume(super().unmanaged_schedule(name, seconds).ask)


class _SeemsToResume(PaperSchedule):
    def resume(self, first: datetime) -> datetime:
        with suppress(EnvironmentProblemError):
            super().resume(first)
        return first


class ShowsTheAddressOfRuns(PaperPlugin):
    """In time, on a machine that is busy: it is the answer that is shown with it."""

    caught_by = "test_no_secret_is_shown_where_runs_are_asked_for"

    def ask_for_runs(self, seconds: float) -> None:
        super().ask_for_runs(3)

    def no_runs(self, url: str) -> str:
        return f"{url} has no runs; set url"
