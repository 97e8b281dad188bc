"""The spans of a compile, and of a build: one for the run, and below it one for each node."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING

from floe_core.runs.build_events import BuildEnded, BuildEvent, NodeResult, NodeStarted
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import TracingSettings
from floe_core.tracing.span_sender import open_sender
from floe_core.tracing.trace_id import SpanIds, trace_id_of_run

if TYPE_CHECKING:
    from floe_core.tracing.span_sender import Span


_SECONDS_AT_THE_END = 2.0


class CompileTrace:
    """Creates one span for its block, if wanted. Never raises.

    A file that is read inside the block may decide whether it is wanted: see `concerns`.
    """

    def __init__(
        self, product: str, on_notice: Callable[[str], None], redact: Callable[[str], str]
    ) -> None:
        self._attributes = {"floe.product": product}
        self._settings = TracingSettings()
        self._on_notice = on_notice
        self._redact = redact
        self._began = datetime.now(UTC)

    def concerns(self, product: str, settings: TracingSettings) -> None:
        """Record the settings of the files, once they are read."""
        self._attributes["floe.product"] = product
        self._settings = settings

    def __enter__(self) -> CompileTrace:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        sender = open_sender(self._settings, self._on_notice, self._redact)
        if sender is None:
            return
        span = sender.start("floe compile", self._attributes, self._began)
        status = "failed" if kind else "success"
        span.end(status, None if kind is None else self._redact(str(error)))
        sender.finish(_SECONDS_AT_THE_END)
        sender.wait()


_log = logging.getLogger("floe.tracing")

RUN = ""
_LONGEST_MESSAGE = 2000


class BuildTrace:
    """Creates spans from a build's events. Does nothing if none are wanted, and never raises.

    Each attempt of a run has its own span; the attempts share a trace. `redact` removes secrets
    from error texts.
    """

    def __init__(
        self, artifacts: CompiledArtifacts, request: BuildRequest, redact: Callable[[str], str]
    ) -> None:
        self._artifacts = artifacts
        self._request = request
        self._redact = redact
        self._sender = open_sender(
            artifacts.tracing,
            _log.warning,
            redact,
            trace_id=trace_id_of_run(artifacts.product.name, request),
            capacity=len(artifacts.nodes) + 1,
        )
        self._open: dict[str, Span] = {}
        self._ids: dict[str, SpanIds] = {}

    @property
    def ids(self) -> Mapping[str, SpanIds]:
        """Node id -> its span for each node so far, and `RUN` -> the run's; empty when off."""
        return self._ids

    def start(self) -> None:
        """Start the span of the build."""
        request = self._request
        about = {
            "floe.run_id": request.run_id,
            "floe.orchestrator": self._artifacts.orchestrator.name,
        }
        if request.nominal_time:
            about["floe.nominal_time"] = request.nominal_time.astimezone(UTC).isoformat()
        self._start(RUN, "floe run", about, None)

    def receive(self, event: BuildEvent) -> None:
        """Record one event."""
        if self._sender is None:
            return
        if isinstance(event, NodeStarted):
            self._start_node(event.unique_id, event.at)
        elif isinstance(event, NodeResult):
            self._end_node(event)
        elif isinstance(event, BuildEnded):
            status = "success" if event.succeeded else "failed"
            self._end(RUN, status, event.succeeded, event.message, None)

    def finish(self, seconds: float) -> None:
        """Start sending the remaining spans; nodes that have not ended were interrupted."""
        for key in reversed(list(self._open)):
            self._end(key, "aborted", False, "broken off", None)
        if self._sender is not None:
            self._sender.finish(seconds)

    def wait(self) -> None:
        """Wait until all spans are sent, or the seconds given to `finish` are over."""
        if self._sender is not None:
            self._sender.wait()
            self._sender = None

    def _start_node(self, unique_id: str, at: datetime | None) -> None:
        if unique_id in self._ids:
            return
        node = self._artifacts.by_id[unique_id]
        about = {"floe.node": unique_id, "floe.node_type": node.resource_type}
        self._start(unique_id, f"{node.resource_type} {node.name}", about, at)

    def _end_node(self, result: NodeResult) -> None:
        self._start_node(result.unique_id, result.started_at or result.ended_at)
        span = self._open.get(result.unique_id)
        if span is None:
            return
        for name, number in (("floe.rows", result.rows), ("floe.failures", result.failures)):
            if number is not None:
                span.set_attribute(name, number)
        is_fine = result.passed or result.status == "skipped"
        self._end(result.unique_id, result.status, is_fine, result.message, result.ended_at)

    def _start(self, key: str, name: str, about: Mapping[str, str], at: datetime | None) -> None:
        if self._sender is None:
            return
        attributes: dict[str, str | int] = {
            "floe.product": self._artifacts.product.name,
            "floe.job": self._request.job,
            "floe.attempt": self._request.attempt,
            **about,
        }
        span = (self._open.get(RUN) or self._sender).start(name, attributes, at)
        self._open[key] = span
        self._ids[key] = span.ids

    def _end(self, key: str, status: str, is_fine: bool, message: str, at: datetime | None) -> None:
        if key in self._open:
            problem = None if is_fine else self._redact(message)[:_LONGEST_MESSAGE]
            self._open.pop(key).end(status, problem, at)
