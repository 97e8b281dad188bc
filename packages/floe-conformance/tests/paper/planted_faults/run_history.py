"""Plugins broken in what they know of runs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from paper_orchestrator import PaperPlugin

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.run_history import NodesOfRun, RecordedRun
from floe_core.plugin_api.unmanaged_schedules import UnmanagedSchedule
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


class VouchesForSchedulesItCannotSee(PaperPlugin):
    caught_by = "test_runs_of_a_bad_service_are_an_error"

    def unmanaged_schedule(self, name: str, seconds: float) -> UnmanagedSchedule:
        try:
            return super().unmanaged_schedule(name, seconds)
        except EnvironmentProblemError:
            return UnmanagedSchedule(is_enabled=False)


class VouchesForRunsOfOthersItCannotSee(PaperPlugin):
    caught_by = "test_runs_of_a_bad_service_are_an_error"

    def unmanaged_runs(self, name: str, seconds: float) -> Sequence[RecordedRun]:
        try:
            return super().unmanaged_runs(name, seconds)
        except EnvironmentProblemError:
            return []


class PausesWhatItCannotReach(PaperPlugin):
    caught_by = "test_runs_of_a_bad_service_are_an_error"

    def pause_unmanaged(self, name: str, seconds: float) -> None:
        with suppress(EnvironmentProblemError):
            super().pause_unmanaged(name, seconds)


class ResumesWhatItCannotReach(PaperPlugin):
    caught_by = "test_runs_of_a_bad_service_are_an_error"

    def resume_unmanaged(self, name: str, first: datetime, seconds: float) -> datetime:
        with suppress(EnvironmentProblemError):
            super().resume_unmanaged(name, first, seconds)
        return first


class ShowsTheAddressOfRuns(PaperPlugin):
    """In time, on a machine that is busy: it is the answer that is shown with it."""

    caught_by = "test_no_secret_is_shown_where_runs_are_asked_for"

    def ask_for_runs(self, seconds: float) -> None:
        super().ask_for_runs(3)

    def no_runs(self, url: str) -> str:
        return f"{url} has no runs; set url"
