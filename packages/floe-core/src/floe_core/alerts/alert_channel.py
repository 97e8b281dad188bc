"""Send an alert to one receiver, in a process of its own, which ends when its time is over."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from typing import Any, Literal

from floe_core.alerts.alert import Alert
from floe_core.secrets.recognition import known_secrets
from floe_core.secrets.redactor import Redactor
from floe_core.secrets.references import value_of, without_value
from floe_core.storage.spooling.draining import Unsent, try_to_send
from floe_core.storage.spooling.spool import Json

# The longest that one alert takes: a receiver may take its time, but not for ever.
LONGEST_SECONDS = 30.0
_MODULE = "floe_core.alerts.apprise_process"
_TYPES: dict[str, Literal["failure", "success", "warning", "info"]] = {
    "failure": "failure",
    "recovery": "success",
    "warning": "warning",
    "lateness": "failure",
}
# 4xx responses after which a retry may succeed.
_WORTH_RETRYING = frozenset({408, 425, 429})
# Apprise returns no status: it logs, in these words in each of its plugins.
_STATUS = re.compile(r"error=(\d{3})\b")


class NotSentError(Exception):
    """An alert was not sent. `retry_after` is how many seconds the receiver is not to be asked."""

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class AlertChannel:
    """Sends alerts to the Apprise URL in an environment variable, or in a file as `file:/PATH`."""

    def __init__(self, variable: str, seconds: float = LONGEST_SECONDS) -> None:
        self._variable = variable
        self._seconds = min(seconds, LONGEST_SECONDS)
        secrets = [*known_secrets().values(), value_of(variable) or ""]
        self._redactor = Redactor(secrets)

    def try_once(self, alert: Alert) -> Unsent | None:
        """Send an alert that is in no store; return why it was not sent, None if it was."""
        return try_to_send(self, alert.to_json())

    def prepare(self, entry: Json) -> dict[str, Any] | None:
        """Return the arguments for Apprise, None for a damaged alert."""
        try:
            kind = _TYPES.get(str(entry["kind"]), "info")
            return {"title": str(entry["title"]), "body": str(entry["body"]), "notify_type": kind}
        except KeyError:
            return None

    def send(self, prepared: dict[str, Any]) -> None:
        """Send an alert."""
        if not value_of(self._variable):
            raise NotSentError(without_value(self._variable))
        order = {"variable": self._variable, "seconds": self._seconds, "alert": prepared}
        done = subprocess.run(
            [sys.executable, "-P", "-m", _MODULE],
            input=json.dumps(order),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == -signal.SIGALRM:
            raise NotSentError(f"it was not sent within {self._seconds:g} s")
        if done.returncode:
            last = (done.stderr.strip().splitlines() or [""])[-1]
            raise NotSentError(f"the sending process ended with {done.returncode}; {last}")
        told = json.loads(done.stdout.splitlines()[-1])
        if not told["was_sent"]:
            raise NotSentError(told["reason"], told.get("retry_after", 0.0))

    def explain(self, error: Exception) -> Unsent:
        """Return what an error means for the alert."""
        if not isinstance(error, NotSentError):
            return Unsent("failed", self._redactor.text(f"{type(error).__name__}: {error}"))
        reason = self._redactor.text(str(error)) or "the receiver did not accept it"
        found = _STATUS.search(str(error))
        status = int(found[1]) if found else 0
        if 400 <= status < 500 and status not in _WORTH_RETRYING:
            return Unsent("refused", reason)
        # Any other response is not the alert's fault, so the alert waits.
        return Unsent("unreachable", reason, error.retry_after)
