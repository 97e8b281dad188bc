"""What `validate_connection` says of services that are missing or unhealthy."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from floe_conformance.checks.bad_services import bad_services
from floe_conformance.subject import SECRET, SECRET_VARIABLE, Subject
from floe_core.plugin_interfaces import ValidationResult

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT_SECONDS = 10.0
_USER = "floe"
# A password in a URL is sent, and can be echoed, in this form.
_ENCODED = base64.b64encode(f"{_USER}:{SECRET}".encode()).decode()


@dataclass
class Attempt:
    """One call. Neither a result nor an error: it had not returned when the time was over."""

    result: ValidationResult | None = None
    error: BaseException | None = None

    @property
    def is_over(self) -> bool:
        """Whether the call came to an end."""
        return self.result is not None or self.error is not None


class ConnectionChecks(Subject):
    """A bad service is a failed result, in time and without secrets; never an exception.

    All bad services are asked at once, so that the waiting is done once.
    """

    @pytest.fixture(scope="class")
    @classmethod
    def attempts(cls) -> dict[str, Attempt]:
        """What is wrong with a service -> what the plugin said of it."""
        with pytest.MonkeyPatch.context() as patch, bad_services() as addresses:
            patch.setenv(SECRET_VARIABLE, SECRET)
            calls = {name: cls()._call(address) for name, address in addresses.items()}
            return _all_at_once(calls)

    def _call(self, address: str) -> Callable[[], ValidationResult]:
        plugin = self.plugin()
        plugin.configure(self.connection_settings(f"http://{_USER}:{SECRET}@{address}"))
        return plugin.validate_connection

    def test_a_bad_service_is_told_in_ten_seconds(self, attempts: dict[str, Attempt]) -> None:
        """In all: name look-up, connecting, and an answer that never ends."""
        assert [name for name, attempt in attempts.items() if not attempt.is_over] == []

    def test_a_bad_service_raises_nothing(self, attempts: dict[str, Attempt]) -> None:
        """Whatever it does, there is a result."""
        assert {name: a.error for name, a in attempts.items() if a.error is not None} == {}

    def test_a_bad_service_is_a_failure_with_errors(self, attempts: dict[str, Attempt]) -> None:
        """Not a success, and it says what to do."""
        ended = _results(attempts)
        assert [name for name, r in ended.items() if r.success or not r.errors] == []

    def test_no_secret_is_shown(self, attempts: dict[str, Attempt]) -> None:
        """Not in message, errors or warnings, though it stands in the URL and is sent back."""
        shown = {name: repr(result) for name, result in _results(attempts).items()}
        assert [n for n, text in shown.items() if SECRET in text or _ENCODED in text] == []


def _results(attempts: Mapping[str, Attempt]) -> dict[str, ValidationResult]:
    return {name: a.result for name, a in attempts.items() if a.result is not None}


def _all_at_once(calls: Mapping[str, Callable[[], ValidationResult]]) -> dict[str, Attempt]:
    """Return what came of each call within the limit. A call that hangs is left behind."""
    attempts = {name: Attempt() for name in calls}
    threads = [
        threading.Thread(target=_attempt, args=(call, attempts[name]), daemon=True)
        for name, call in calls.items()
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + LIMIT_SECONDS
    for thread in threads:
        thread.join(max(deadline - time.monotonic(), 0))
    return {name: Attempt(a.result, a.error) for name, a in attempts.items()}


def _attempt(call: Callable[[], ValidationResult], attempt: Attempt) -> None:
    try:
        attempt.result = call()
    # Any exception is what one of the checks is about.
    except Exception as error:  # noqa: BLE001
        attempt.error = error
