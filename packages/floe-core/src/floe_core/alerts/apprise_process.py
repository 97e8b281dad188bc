"""The process that sends one alert: `python -m floe_core.alerts.apprise_process`.

It reads the order from its standard input and writes one object to standard output: `was_sent`,
`reason` and `retry_after`. The kernel ends it when its time is over, whatever it waits for.
"""

from __future__ import annotations

import json
import logging
import signal
import sys
from typing import Any

from requests import PreparedRequest, Response

from floe_core.foundation.child_processes import end_with_parent
from floe_core.secrets.references import value_of
from floe_core.storage.spooling.bounded_requests import (
    BoundedAdapter,
    bound_all_requests,
    seconds_to_wait,
)


def main() -> None:
    """Send the alert."""
    end_with_parent(signal.SIGKILL)
    order = json.loads(sys.stdin.read())
    signal.setitimer(signal.ITIMER_REAL, order["seconds"])
    bound_all_requests(_WaitNotingAdapter)
    print(json.dumps(_send(order["variable"], order["alert"])))


def _send(variable: str, alert: dict[str, Any]) -> dict[str, Any]:
    from apprise import Apprise, AppriseAsset

    # No threads: a process that is forked for an alert sends it and ends.
    receiver = Apprise(asset=AppriseAsset(async_mode=False))
    logged = _LoggedWarnings()
    logging.getLogger("apprise").addHandler(logged)
    if not receiver.add(value_of(variable) or ""):
        what = f"{variable} holds no URL that Apprise knows, such as slack://..."
        return {"was_sent": False, "reason": what}
    if receiver.notify(body_format="text", **alert):
        return {"was_sent": True}
    reason = "; ".join(logged.lines)
    return {"was_sent": False, "reason": reason, "retry_after": _WaitNotingAdapter.seconds}


class _WaitNotingAdapter(BoundedAdapter):
    """Notes how long a receiver wants not to be asked, which Apprise does not tell."""

    seconds = 0.0

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        response = super().send(request, *args, **options)
        _WaitNotingAdapter.seconds = max(self.seconds, seconds_to_wait(response))
        return response


class _LoggedWarnings(logging.Handler):
    """Collects what Apprise logs as a warning or worse while it sends."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


if __name__ == "__main__":
    main()
