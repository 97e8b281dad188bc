"""Track whether an exporter of spans fails, and keep secrets out of its log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

# If a collector takes longer for one request, it is not waited for at the end.
_SILENT_SECONDS = 1.0
_LONGEST = 300


class NotedExporter(SpanExporter):
    """An exporter that shows whether it fails, and that logs no secrets.

    Exporters retry for a long time, and warn of each time: the first warning is kept in
    `complaint`, without secrets, and none is logged.
    """

    def __init__(self, exporter: SpanExporter, redact: Callable[[str], str]) -> None:
        self._exporter = exporter
        self.complaint = ""
        self._has_complained = False
        self._is_shut = False
        self._busy_since = 0.0
        self._filter = _LogFilter(redact, self._note_complaint)
        self._logs = [logging.getLogger(kind.__module__) for kind in type(exporter).__mro__]
        for log in self._logs:
            log.addFilter(self._filter)

    @property
    def fails(self) -> bool:
        """Whether the last request failed, or the current one does not end."""
        busy_since = self._busy_since
        is_silent = bool(busy_since) and time.monotonic() - busy_since > _SILENT_SECONDS
        return self._has_complained or is_silent

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans, and record the result."""
        self._busy_since = time.monotonic()
        try:
            result = self._exporter.export(spans)
        finally:
            self._busy_since = 0.0
        self._has_complained = result is not SpanExportResult.SUCCESS
        return result

    def _note_complaint(self, text: str) -> None:
        self._has_complained = True
        self.complaint = self.complaint or text.partition("\n")[0][:_LONGEST]

    def shutdown(self) -> None:
        """Stop retrying; a second call does nothing."""
        if not self._is_shut:
            self._is_shut = True
            self._exporter.shutdown()

    def forget_log(self) -> None:
        """Stop observing the exporter's log."""
        for log in self._logs:
            log.removeFilter(self._filter)


class _LogFilter(logging.Filter):
    def __init__(self, redact: Callable[[str], str], on_complaint: Callable[[str], None]) -> None:
        super().__init__()
        self._redact = redact
        self._on_complaint = on_complaint

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self._redact(record.getMessage()), ()
        is_complaint = record.levelno >= logging.WARNING
        if is_complaint:
            self._on_complaint(record.msg)
        return not is_complaint
