"""The span of a compile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType

from floe_core.schemas.policies import TracingSettings
from floe_core.tracing.opening import open_sender

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
