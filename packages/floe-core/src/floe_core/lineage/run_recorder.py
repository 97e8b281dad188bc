"""Record the lineage of a build without slowing the build down."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

from floe_core.lineage.backend import is_configured
from floe_core.lineage.build_story import BuildStory
from floe_core.lineage.facets import Json
from floe_core.lineage.sending.delivery import Delivery
from floe_core.runs.build_events import BuildEnded, BuildEvent, NodeStarted
from floe_core.runs.build_request import BuildRequest
from floe_core.runs.product_redactor import redactor_of
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Column
from floe_core.secrets.recognition import known_secrets
from floe_core.secrets.redactor import Redactor
from floe_core.storage.spooling.spool import Spool
from floe_core.tracing.trace_id import SpanIds

_log = logging.getLogger("floe.lineage")


class RunLineage:
    """Writes the events of one build to the product's spool, which another process sends.

    Does nothing if lineage is off or no backend is configured. Never raises and never waits for the
    network: if lineage cannot be written, it warns once and stops. `spans` are the ids of spans if
    the build is traced, keyed by node id, and by "" for the run. `upstream` are the runs that
    updated the build's inputs.
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
        self._unwritten: list[Json] = []
        self.is_incomplete = False
        self._spool: Spool | None = None
        self._delivery: Delivery | None = None
        self._guard(lambda: self._open(artifacts, request))

    @property
    def is_on(self) -> bool:
        """Whether events are being written."""
        return self._spool is not None

    def start(self) -> None:
        """Record that the build starts."""
        self._emit(lambda: self._story.start(datetime.now(UTC)))

    def receive(
        self,
        event: BuildEvent,
        compiled_sql: str | None = None,
        columns: tuple[Column, ...] = (),
    ) -> None:
        """Record an event of the build.

        `columns` are those of a built relation, () if the warehouse was not queried.
        """
        self._emit(lambda: self._story.receive(event, compiled_sql, columns))

    def complete(self, events: Sequence[BuildEvent], written: int | None) -> None:
        """Record what lineage lacks of a build that was broken off, given all of its events.

        `written` is how many lineage events there are. None: all, perhaps without the end of what
        ended last; it is written again.
        """
        self._emit(lambda: self._missing(events, written))

    def _missing(self, events: Sequence[BuildEvent], written: int | None) -> list[Json]:
        told = [self._story.start(datetime.now(UTC)), *map(self._story.receive, events)]
        known = sum(map(len, told)) if written is None else written
        if written is None and events and not isinstance(events[-1], NodeStarted):
            known -= len(told[-1])
        killed = BuildEnded(succeeded=False, message="the process of the build was killed")
        if not (events and isinstance(events[-1], BuildEnded)):
            told.append(self._story.receive(killed))
        return [event for each in told for event in each][known:]

    def close(self, seconds: float = 2.0) -> bool:
        """Give delivery some more seconds; return whether every event was sent.

        A build that has not ended was interrupted: its open runs are aborted. Returns at once if
        the backend is unreachable. Unsent events stay on disk.
        """
        self._emit(lambda: self._story.break_off(datetime.now(UTC)))
        delivery, self._delivery, self._spool = self._delivery, None, None
        everything_sent: list[bool] = []
        if delivery is not None:
            self._guard(lambda: everything_sent.append(delivery.close(seconds)))
        return any(everything_sent)

    def _open(self, artifacts: CompiledArtifacts, request: BuildRequest) -> None:
        project_dir, settings = artifacts.project_dir, artifacts.lineage
        if project_dir is None or not is_configured(settings, project_dir):
            return
        redactor = redactor_of(artifacts)
        self._story = BuildStory(artifacts, request, redactor, self._spans, self._upstream)
        self._delivery = Delivery(project_dir, settings)
        self._delivery.start()
        self._spool = Spool(project_dir)

    def _emit(self, events: Callable[[], list[Json]]) -> None:
        if self._spool is not None:
            self._guard(lambda: self._write(events()))

    def _write(self, events: list[Json]) -> None:
        assert self._spool is not None  # checked by the caller
        # What an interrupt kept from being written comes before what follows.
        self._unwritten += events
        while self._unwritten:
            self._spool.append(self._unwritten[0])
            del self._unwritten[0]
            self.events_written += 1

    def _guard(self, action: Callable[[], None]) -> None:
        # Lineage must never fail a run; this is the place that ensures it.
        try:
            action()
        except Exception as error:  # noqa: BLE001
            self._spool, self.is_incomplete = None, True
            reason = Redactor(known_secrets().values()).text(f"{type(error).__name__}: {error}")
            _log.warning("lineage of this run is incomplete: %s", reason)
