"""All reports of one build: each event goes to its journal first, then to whoever is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from floe_core.dbt.built_columns import kept_relation
from floe_core.execution.prepared_build import PreparedBuild
from floe_core.execution.record.journal import Journal
from floe_core.execution.reports.open_build import OpenBuild
from floe_core.execution.reports.partitions import PartitionsOfBuild
from floe_core.execution.reports.ports import PortsOfBuild
from floe_core.lineage.compiled_sql import compiled_sql
from floe_core.lineage.run_recorder import RunLineage
from floe_core.runs.build_events import BuildEnded, BuildEvent, NodeResult, RunStatus
from floe_core.runs.dbt_files import write_dbt_files
from floe_core.runs.product_redactor import redactor_of
from floe_core.tracing.spans import BuildTrace

_SECONDS_FOR_SPANS = 2.0


class BuildReports:
    """The journal, traces, lineage and alerts, ports, states of partitions, and dbt's files.

    `target` is where dbt writes compiled code.
    """

    def __init__(
        self, build: PreparedBuild, target: Path, journal: Journal, under_way: OpenBuild
    ) -> None:
        """Begin with the ports.

        Raises:
            NothingNewError: Another run has begun with the updates that this run was started for.
            EnvironmentProblemError: The ledger cannot be read or written.
        """
        artifacts, request = build.artifacts, build.request
        self._build = build
        self._target = target
        self._journal = journal
        self._under_way = under_way
        partitions = build.plan.partitions if build.plan else ()
        self._ports = PortsOfBuild(artifacts, request, build.wanted, partitions)
        self._ports.begin()
        self._trace = BuildTrace(artifacts, request, redactor_of(artifacts).text)
        self._lineage = RunLineage(artifacts, request, self._trace.ids, self._ports.upstream)
        self._states = PartitionsOfBuild(artifacts, request)

    def __enter__(self) -> BuildReports:
        self._trace.start()
        self._lineage.start()
        return self

    def __exit__(self, *error: object) -> None:
        # Both send their remaining data at the same time.
        self._trace.finish(_SECONDS_FOR_SPANS)
        self._lineage.close()
        if self._lineage.is_incomplete:
            self._under_way.keep_for_lineage(self._lineage.events_written)
        self._trace.wait()

    def receive(self, event: BuildEvent) -> BuildEvent:
        """Report one event, and return it.

        A disabled node is not part of the run. A reused one did not run: lineage lists it.
        """
        self._journal.write(event)
        if not (isinstance(event, NodeResult) and event.is_disabled):
            if not (isinstance(event, NodeResult) and event.status == "reused"):
                self._trace.receive(event)
            # After the trace, since lineage refers to its spans.
            self._record_lineage(event)
        self._ports.receive(event)
        self._states.receive(event)
        return event

    def conclude(self, end: BuildEnded) -> Iterator[BuildEvent]:
        """Write what only a whole build has, and yield the last events, each reported."""
        for warning in self._states.conclude():
            yield self.receive(warning)
        end = self._ports.record_updates(end)
        ending: RunStatus = "success" if end.succeeded else "failed"
        for message in write_dbt_files(self._build.artifacts, self._build.request, ending):
            yield self.receive(message)
        self._under_way.keep_end(end, is_final=end.succeeded)
        yield self.receive(end)

    def conclude_canceled(self, missing: Iterable[NodeResult], end: BuildEnded) -> None:
        """Report what is left of a canceled build, which is never retried; nobody takes its events.

        In lineage, nodes that were running have neither failed nor completed: they are aborted when
        this closes.
        """
        self._under_way.keep_end(end, is_final=True)
        files = write_dbt_files(self._build.artifacts, self._build.request, "canceled")
        last: Iterator[BuildEvent] = chain(missing, files, [end])
        for event in last:
            self._journal.write(event)
            self._trace.receive(event)
            if isinstance(event, NodeResult) and event.status == "skipped":
                self._record_lineage(event)
            self._states.receive(event)
        for warning in self._states.conclude():
            self._journal.write(warning)

    def _record_lineage(self, event: BuildEvent) -> None:
        """Record an event, that of a node's end with the node's SQL and columns."""
        if not (isinstance(event, NodeResult) and self._lineage.is_on):
            self._lineage.receive(event)
            return
        sql = compiled_sql(self._target / "compiled", self._build.artifacts.by_id[event.unique_id])
        columns = kept_relation(self._target, event.unique_id).columns
        self._lineage.receive(event, sql, columns)
