"""Report the events of a build to tracing, lineage and alerts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from floe_core.execution.reports.alerts import AlertsOfBuild
from floe_core.execution.reports.lineage import LineageOfBuild
from floe_core.lineage.facets import Json
from floe_core.runs.build_events import BuildEvent, NodeResult
from floe_core.runs.build_request import BuildRequest
from floe_core.runs.product_redactor import redactor_of
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.tracing.build_trace import BuildTrace

_SECONDS_FOR_SPANS = 2.0


class TelemetryOfBuild:
    """Passes on the events of one build: to tracing first, since lineage refers to span ids.

    `target` is where dbt writes compiled code. `upstream` are the runs that updated the build's
    inputs, as lineage names them.
    """

    def __init__(
        self,
        artifacts: CompiledArtifacts,
        request: BuildRequest,
        target: Path,
        alerts: AlertsOfBuild,
        upstream: Sequence[Json] = (),
    ) -> None:
        self._alerts = alerts
        self._trace = BuildTrace(artifacts, request, redactor_of(artifacts).text)
        self._lineage = LineageOfBuild(artifacts, request, target, self._trace.ids, upstream)

    def receive(self, event: BuildEvent) -> None:
        """Pass on one event; a reused node did not run, and only lineage reports it.

        A disabled node is not part of the run.
        """
        if isinstance(event, NodeResult) and event.is_disabled:
            return
        if not (isinstance(event, NodeResult) and event.status == "reused"):
            self._alerts.receive(event)
            self._trace.receive(event)
        self._lineage.receive(event)

    def receive_canceled(self, event: BuildEvent) -> None:
        """Pass on an event of a build after it was canceled.

        In lineage, nodes that were running then have neither failed nor completed: they are aborted
        when this closes.
        """
        self._alerts.receive_canceled(event)
        self._trace.receive(event)
        if isinstance(event, NodeResult) and event.status == "skipped":
            self._lineage.receive(event)

    def __enter__(self) -> TelemetryOfBuild:
        self._trace.start()
        self._lineage.start()
        return self

    def __exit__(self, *error: object) -> None:
        # Both send their remaining data at the same time.
        self._trace.finish(_SECONDS_FOR_SPANS)
        self._lineage.close()
        if self._lineage.written_of_incomplete is not None:
            self._alerts.keep_for_lineage(self._lineage.written_of_incomplete)
        self._trace.wait()
