"""Plugins broken in how they ask a service."""

from __future__ import annotations

import time

from paper_orchestrator import PaperPlugin

from floe_core.plugin_interfaces import ValidationResult


class HangsOnASilentService(PaperPlugin):
    caught_by = "test_a_bad_service_is_reported_in_ten_seconds"

    def deadline(self) -> float:
        return time.monotonic() + 14


class RaisesWhatItMeets(PaperPlugin):
    caught_by = "test_a_bad_service_raises_nothing"

    def validate_connection(self) -> ValidationResult:
        result = super().validate_connection()
        if not result.success:
            raise ConnectionError(*result.errors)
        return result


class Patient:
    """Has the time for an answer on a machine that is busy: what is wrong is said of answers."""

    def deadline(self) -> float:
        return time.monotonic() + 3


class TakesAnyAnswerForItsOwn(Patient, PaperPlugin):
    caught_by = "test_a_bad_service_is_a_failure_with_errors"

    def judged(self, status: int, body: bytes, where: str) -> ValidationResult:
        return ValidationResult(True) if status == 200 else super().judged(status, body, where)


class FailsWithoutAWord(Patient, PaperPlugin):
    caught_by = "test_a_bad_service_is_a_failure_with_errors"

    def judged(self, status: int, body: bytes, where: str) -> ValidationResult:
        return ValidationResult(False)


class ShowsTheAddressAsItStands(Patient, PaperPlugin):
    caught_by = "test_no_secret_is_shown"

    def judged(self, status: int, body: bytes, where: str) -> ValidationResult:
        return super().judged(status, body, self.settings["url"])


class QuotesTheAnswer(Patient, PaperPlugin):
    """Whose body repeats the credentials that it was asked with."""

    caught_by = "test_no_secret_is_shown"

    def judged(self, status: int, body: bytes, where: str) -> ValidationResult:
        result = super().judged(status, body, where)
        return ValidationResult(result.success, body.decode(), result.errors)
