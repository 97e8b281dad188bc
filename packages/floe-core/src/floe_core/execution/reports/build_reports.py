"""All reports of one build: each event goes to its journal first, then to whoever is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from floe_core.execution.prepared_build import PreparedBuild
from floe_core.execution.record.journal import Journal
from floe_core.execution.reports.alerts import AlertsOfBuild
from floe_core.execution.reports.dbt_files import Ending, write_dbt_files
from floe_core.execution.reports.partitions import PartitionsOfBuild
from floe_core.execution.reports.ports import PortsOfBuild
from floe_core.execution.reports.telemetry import TelemetryOfBuild
from floe_core.runs.build_events import BuildEnded, BuildEvent, NodeResult


class BuildReports:
    """The journal, traces, lineage and alerts, ports, states of partitions, and dbt's files.

    `target` is where dbt writes compiled code.
    """

    def __init__(
        self, build: PreparedBuild, target: Path, journal: Journal, alerts: AlertsOfBuild
    ) -> None:
        """Begin with the ports.

        Raises:
            NothingNewError: Another run has begun with the updates that this run was started for.
            EnvironmentProblemError: The ledger cannot be read or written.
        """
        artifacts, request = build.artifacts, build.request
        self._build = build
        self._journal = journal
        partitions = build.plan.partitions if build.plan else ()
        self._ports = PortsOfBuild(artifacts, request, build.wanted, partitions)
        self._ports.begin()
        upstream = self._ports.upstream
        self._telemetry = TelemetryOfBuild(artifacts, request, target, alerts, upstream)
        self._states = PartitionsOfBuild(artifacts, request)

    def __enter__(self) -> BuildReports:
        self._telemetry.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._telemetry.__exit__(*error)

    def receive(self, event: BuildEvent) -> BuildEvent:
        """Report one event, and return it."""
        self._journal.write(event)
        self._telemetry.receive(event)
        self._ports.receive(event)
        self._states.receive(event)
        return event

    def conclude(self, end: BuildEnded) -> Iterator[BuildEvent]:
        """Write what only a whole build has, and yield the last events, each reported."""
        for warning in self._states.conclude():
            yield self.receive(warning)
        end = self._ports.record_updates(end)
        ending: Ending = "succeeded" if end.succeeded else "failed"
        for message in write_dbt_files(self._build.artifacts, self._build.request, ending):
            yield self.receive(message)
        yield self.receive(end)

    def conclude_canceled(self, missing: Iterable[NodeResult], end: BuildEnded) -> None:
        """Report what is left of a canceled build; nobody takes its events."""
        files = write_dbt_files(self._build.artifacts, self._build.request, "canceled")
        last: Iterator[BuildEvent] = chain(missing, files, [end])
        for event in last:
            self._journal.write(event)
            self._telemetry.receive_canceled(event)
            self._states.receive(event)
        for warning in self._states.conclude():
            self._journal.write(warning)
