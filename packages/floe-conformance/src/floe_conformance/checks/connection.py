"""Checks of `validate_connection` against services that are missing or unhealthy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

from floe_conformance.checks.bad_services import (
    USER,
    Attempt,
    bad_services,
    call_all_at_once,
    shows_secret,
)
from floe_conformance.subject import SECRET, SECRET_VARIABLE, Subject
from floe_core.plugin_interfaces import ValidationResult

if TYPE_CHECKING:
    from collections.abc import Callable


class ConnectionChecks(Subject):
    """A bad service gives a failed result, in time and without secrets; never an exception.

    All bad services are checked concurrently, so that the time limit passes only once.
    """

    @pytest.fixture(scope="class")
    @classmethod
    def attempts(cls) -> dict[str, Attempt[ValidationResult]]:
        """Fault of a service -> the outcome of `validate_connection`."""
        with pytest.MonkeyPatch.context() as patch, bad_services() as addresses:
            patch.setenv(SECRET_VARIABLE, SECRET)
            calls = {name: cls()._call(address) for name, address in addresses.items()}
            return call_all_at_once(calls)

    def _call(self, address: str) -> Callable[[], ValidationResult]:
        plugin = self.plugin()
        plugin.configure(self.connection_settings(f"http://{USER}:{SECRET}@{address}"))
        return plugin.validate_connection

    def test_a_bad_service_is_reported_in_ten_seconds(
        self, attempts: dict[str, Attempt[ValidationResult]]
    ) -> None:
        """In total, from the name look-up to the last byte, even if the response never ends."""
        assert [name for name, attempt in attempts.items() if not attempt.is_over] == []

    def test_a_bad_service_raises_nothing(
        self, attempts: dict[str, Attempt[ValidationResult]]
    ) -> None:
        """`validate_connection` returns a result whatever the service does."""
        assert {name: a.error for name, a in attempts.items() if a.error is not None} == {}

    def test_a_bad_service_is_a_failure_with_errors(
        self, attempts: dict[str, Attempt[ValidationResult]]
    ) -> None:
        """`success` is False, and `errors` is not empty."""
        ended = _results(attempts)
        assert [name for name, r in ended.items() if r.success or not r.errors] == []

    def test_no_secret_is_shown(self, attempts: dict[str, Attempt[ValidationResult]]) -> None:
        """Not in message, errors or warnings, though it is in the URL and the service echoes it."""
        shown = {name: repr(result) for name, result in _results(attempts).items()}
        assert [n for n, text in shown.items() if shows_secret(text)] == []


def _results(attempts: Mapping[str, Attempt[ValidationResult]]) -> dict[str, ValidationResult]:
    return {name: a.result for name, a in attempts.items() if a.result is not None}
