"""Report the events of a build to lineage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from floe_core.dbt.built_columns import kept_relation
from floe_core.lineage.compiled_sql import compiled_sql
from floe_core.lineage.facets import Json
from floe_core.runs.build_events import BuildEvent, NodeResult
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.tracing.span_ids import SpanIds


class LineageOfBuild:
    """Passes the events of one build on to lineage, with the SQL and the columns of each node.

    `target` is where dbt writes compiled code. `spans` are the ids of the spans so far if the build
    is traced: keyed by node id, and by "" for the run. `upstream` are the runs that updated the
    build's inputs.
    """

    def __init__(
        self,
        artifacts: CompiledArtifacts,
        request: BuildRequest,
        target: Path,
        spans: Mapping[str, SpanIds],
        upstream: Sequence[Json] = (),
    ) -> None:
        from floe_core.lineage.run_recorder import RunLineage

        self._artifacts = artifacts
        self._target = target
        self._compiled = target / "compiled"
        self._lineage = RunLineage(artifacts, request, spans, upstream)

    def receive(self, event: BuildEvent) -> None:
        """Pass on one event."""
        if not (isinstance(event, NodeResult) and self._lineage.is_on):
            self._lineage.receive(event)
            return
        columns = kept_relation(self._target, event.unique_id).columns
        sql = compiled_sql(self._compiled, self._artifacts.by_id[event.unique_id])
        self._lineage.receive(event, sql, columns)

    @property
    def written_of_incomplete(self) -> int | None:
        """How many events were written if not all could be; None if all were."""
        return self._lineage.events_written if self._lineage.is_incomplete else None

    def start(self) -> None:
        """Begin the run's events; `close` is called in any case."""
        self._lineage.start()

    def close(self) -> None:
        """End them, and send what is left."""
        self._lineage.close()
