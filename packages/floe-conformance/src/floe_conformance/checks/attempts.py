"""Calls that may hang or raise, made concurrently under one time limit."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from floe_conformance.subject import SECRET

LIMIT_SECONDS = 10.0
# The limit is counted in naps: on a busy machine, those who nap are held up as the calls are.
_NAP_SECONDS = 0.1
USER = "floe"
# The form in which a password in a URL is sent, and so may be echoed.
_ENCODED = base64.b64encode(f"{USER}:{SECRET}".encode()).decode()
Result = TypeVar("Result")


@dataclass
class Attempt(Generic[Result]):
    """One call. With neither a result nor an error, it had not returned by the time limit."""

    result: Result | None = None
    error: BaseException | None = None

    @property
    def is_over(self) -> bool:
        """Whether the call returned or raised."""
        return self.result is not None or self.error is not None


def call_all_at_once(calls: Mapping[str, Callable[[], Result]]) -> dict[str, Attempt[Result]]:
    """Return the outcome of each call by the time limit. A call that hangs is abandoned."""
    attempts: dict[str, Attempt[Result]] = {name: Attempt() for name in calls}
    threads = [
        threading.Thread(target=_attempt, args=(call, attempts[name]), daemon=True)
        for name, call in calls.items()
    ]
    for thread in threads:
        thread.start()
    for _ in range(round(LIMIT_SECONDS / _NAP_SECONDS)):
        if any(thread.is_alive() for thread in threads):
            time.sleep(_NAP_SECONDS)
    return {name: Attempt(a.result, a.error) for name, a in attempts.items()}


def _attempt(call: Callable[[], Result], attempt: Attempt[Result]) -> None:
    try:
        attempt.result = call()
    # One of the checks is that no call raises any exception.
    except Exception as error:  # noqa: BLE001
        attempt.error = error


def shows_secret(text: str) -> bool:
    """Return whether a text contains the secret, plain or encoded as it is sent."""
    return SECRET in text or _ENCODED in text
