"""Tell lineage what a build does, at no cost to the build."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

from floe_core.build_events import BuildEnded, NodeResult, NodeStarted
from floe_core.build_request import BuildRequest
from floe_core.lineage.backend import is_configured
from floe_core.lineage.build_story import BuildStory
from floe_core.lineage.facets import Json
from floe_core.lineage.sending.delivery import Delivery
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Column
from floe_core.secrets.known_values import known_secrets
from floe_core.secrets.redactor import Redactor
from floe_core.spooling.spool import Spool
from floe_core.tracing.span_ids import SpanIds

_log = logging.getLogger("floe.lineage")


class RunLineage:
    """Writes the events of one build to the product's spool, which another process sends.

    Does nothing where lineage is off or no backend is configured. Never raises and never waits for
    a network: lineage that cannot be written is told once, as a warning, and given up. `spans` are
    the ids of the spans of nodes, by their ids, and of the run, by "", where the build is traced.
    `upstream` are the runs that updated what the build reads.
    """

    def __init__(
        self,
        artifacts: CompiledArtifacts,
        request: BuildRequest,
        spans: Mapping[str, SpanIds] = MappingProxyType({}),
        upstream: Sequence[Json] = (),
    ) -> None:
        self._spans = spans
        self._upstream = upstream
        self.events_written = 0
        self._spool: Spool | None = None
        self._delivery: Delivery | None = None
        self._guard(lambda: self._open(artifacts, request))

    @property
    def is_on(self) -> bool:
        """Whether events are being written."""
        return self._spool is not None

    def started(self) -> None:
        """The build begins."""
        self._emit(lambda: self._story.started(datetime.now(UTC)))

    def node_started(self, event: NodeStarted) -> None:
        """A node began to run."""
        self._emit(lambda: self._story.node_started(event))

    def node_ended(
        self,
        result: NodeResult,
        compiled_sql: str | None = None,
        columns: tuple[Column, ...] = (),
    ) -> None:
        """A node ended, was skipped, or was left out.

        `columns` are those of what it built, () where the warehouse was not asked.
        """
        self._emit(lambda: self._story.node_ended(result, compiled_sql, columns))

    def node_reused(self, result: NodeResult) -> None:
        """A node was left as an earlier run built it."""
        if self._spool is not None:
            self._story.node_reused(result)

    def ended(self, event: BuildEnded) -> None:
        """The build is over."""
        self._emit(lambda: self._story.ended(event, datetime.now(UTC)))

    def close(self, seconds: float = 2.0) -> bool:
        """Give delivery some more seconds; return whether every event was sent.

        A build that has not ended was broken off: its open runs are aborted. Returns at once when
        the backend is not there. What is not sent stays on disk.
        """
        self._emit(lambda: self._story.broken_off(datetime.now(UTC)))
        delivery, self._delivery, self._spool = self._delivery, None, None
        everything_sent: list[bool] = []
        if delivery is not None:
            self._guard(lambda: everything_sent.append(delivery.close(seconds)))
        return any(everything_sent)

    def _open(self, artifacts: CompiledArtifacts, request: BuildRequest) -> None:
        project_dir, settings = artifacts.project_dir, artifacts.lineage
        if project_dir is None or not is_configured(settings, project_dir):
            return
        redactor = Redactor(known_secrets(artifacts.dbt.profile, settings.config).values())
        self._story = BuildStory(artifacts, request, redactor, self._spans, self._upstream)
        self._delivery = Delivery(project_dir, settings)
        self._delivery.start()
        self._spool = Spool(project_dir)

    def _emit(self, events: Callable[[], list[Json]]) -> None:
        if self._spool is not None:
            self._guard(lambda: self._write(events()))

    def _write(self, events: list[Json]) -> None:
        assert self._spool is not None  # asked by the caller
        for event in events:
            self._spool.append(event)
            self.events_written += 1

    def _guard(self, action: Callable[[], None]) -> None:
        # Lineage must not fail a run, whatever goes wrong in it: this is where that is made sure.
        try:
            action()
        except Exception as error:  # noqa: BLE001
            self._spool = None
            reason = Redactor(known_secrets().values()).text(f"{type(error).__name__}: {error}")
            _log.warning("lineage of this run is incomplete: %s", reason)
