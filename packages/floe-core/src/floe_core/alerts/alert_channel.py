"""Send alerts from the spool to one receiver, with Apprise."""

from __future__ import annotations

import logging
import os
import re
from typing import Any, Literal

from floe_core.secrets.known_values import known_secrets
from floe_core.secrets.redactor import Redactor
from floe_core.secrets.references import UnsetVariableError
from floe_core.spooling.draining import Unsent
from floe_core.spooling.spool import Json

_TYPES: dict[str, Literal["failure", "success", "warning", "info"]] = {
    "failure": "failure",
    "recovery": "success",
    "warning": "warning",
    "lateness": "failure",
}
# 4xx responses after which a retry may succeed.
_WORTH_RETRYING = frozenset({408, 425, 429})
# Apprise raises nothing and returns no status: it logs, in these words in each of its plugins.
_STATUS = re.compile(r"error=(\d{3})\b")


class NotSentError(Exception):
    """Apprise could not send an alert. `status` is the HTTP status of the receiver, 0 for none."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        found = _STATUS.search(message)
        self.status = int(found[1]) if found else 0


class UnusableTargetError(Exception):
    """The variable does not hold a URL that Apprise knows."""


class AlertChannel:
    """Sends alerts to the Apprise URL that an environment variable holds."""

    def __init__(self, variable: str) -> None:
        self._variable = variable
        secrets = [*known_secrets().values(), os.environ.get(variable, "")]
        self._redactor = Redactor(secrets)

    def prepare(self, entry: Json) -> dict[str, Any] | None:
        """Return the arguments for Apprise, None for a damaged alert."""
        try:
            kind = _TYPES.get(str(entry["kind"]), "info")
            return {"title": str(entry["title"]), "body": str(entry["body"]), "notify_type": kind}
        except KeyError:
            return None

    def send(self, prepared: dict[str, Any]) -> None:
        """Send an alert."""
        from apprise import Apprise

        url = os.environ.get(self._variable)
        if not url:
            raise UnsetVariableError(f"environment variable {self._variable} is not set")
        receiver = Apprise()
        with _LoggedWarnings() as warnings:
            if not receiver.add(url):
                what = f"{self._variable} holds no URL that Apprise knows, such as slack://..."
                raise UnusableTargetError(what)
            if not receiver.notify(body_format="text", **prepared):
                raise NotSentError(warnings.text())

    def explain(self, error: Exception) -> tuple[Unsent, str]:
        """Return what an error of Apprise means for the alert."""
        if isinstance(error, UnsetVariableError | UnusableTargetError):
            return "unreachable", str(error)
        if not isinstance(error, NotSentError):
            return "failed", self._redactor.text(f"{type(error).__name__}: {error}")
        reason = self._redactor.text(str(error)) or "the receiver did not accept it"
        if 400 <= error.status < 500 and error.status not in _WORTH_RETRYING:
            return "refused", reason
        # Any other response is not the alert's fault, so the alert waits.
        return "unreachable", reason


class _LoggedWarnings(logging.Handler):
    """Collects what Apprise logs as a warning or worse while it sends."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())

    def text(self) -> str:
        return "; ".join(self._lines)

    def __enter__(self) -> _LoggedWarnings:
        logging.getLogger("apprise").addHandler(self)
        return self

    def __exit__(self, *error: object) -> None:
        logging.getLogger("apprise").removeHandler(self)
