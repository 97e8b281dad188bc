"""Report the end of a build for alerts, if no orchestrator reports the end of its run."""

from __future__ import annotations

from collections.abc import Collection

from floe_core.alerts import report_run
from floe_core.alerts.report import is_switched_off
from floe_core.execution.record.attempt import may_retry
from floe_core.execution.record.outcome import outcome_of_run
from floe_core.execution.record.run_record import record_of
from floe_core.execution.reports.open_builds import OpenBuild, report_killed_builds
from floe_core.runs.build_events import BuildEnded
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


class AlertsOfBuild:
    """Keeps the end of a build, and reports it once the build has released everything.

    The end of an attempt that will be retried is not reported. `wanted` are the nodes that the
    build is for, once they are known.
    """

    def __init__(self, artifacts: CompiledArtifacts, request: BuildRequest) -> None:
        self._artifacts = artifacts
        self._request = request
        has_alerts = bool(artifacts.alerts) and artifacts.project_dir is not None
        self._is_wanted = has_alerts and request.sends_alerts and not is_switched_off()
        self._open = OpenBuild(artifacts, request)
        self._end: BuildEnded | None = None
        self._is_final = False
        self.wanted: Collection[str] = ()

    def begin(self) -> None:
        """Report builds that were killed before, and record that this one is under way."""
        if self._artifacts.project_dir is not None:
            report_killed_builds(self._artifacts, in_build=True)
            self._open.begin()

    def keep_for_lineage(self, written: int) -> None:
        """Keep the record of the build: only so many events of its lineage could be written."""
        self._open.keep_for_lineage(written)

    def keep_end(self, end: BuildEnded, *, is_final: bool) -> None:
        """Keep the end of the build; a final one is not retried, whatever is left to do."""
        self._end, self._is_final = end, is_final

    def report(self) -> None:
        """Report the end, if there is one to report; a second call does nothing."""
        end, self._end = self._end, None
        if end is not None and self._is_wanted and (self._is_final or self._is_last()):
            self._report(end)
        self._open.end()

    def _report(self, end: BuildEnded) -> None:
        outcome = outcome_of_run(
            self._artifacts,
            self._request.job,
            self._request.run_id,
            succeeded=end.succeeded,
            problem=end.message,
            nominal_time=self._request.nominal_time,
            parameters=self._request.parameters,
        )
        report_run(self._artifacts, outcome)

    def _is_last(self) -> bool:
        """Return whether no attempt follows if this one fails."""
        if self._request.attempt % (self._artifacts.retries + 1) == 0:
            return True
        record = record_of(self._artifacts, self._request.run_id)
        return bool(self.wanted) and not may_retry(self._artifacts, self.wanted, record)
