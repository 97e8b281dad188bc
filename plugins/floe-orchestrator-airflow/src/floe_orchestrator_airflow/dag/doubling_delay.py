"""A retry policy in which each retry waits exactly twice as long as the one before."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from airflow.sdk import RetryDecision, RetryPolicy

if TYPE_CHECKING:
    from airflow.sdk import Context


class DoublingDelay(RetryPolicy):
    """Waits the delay, then twice that, and so on.

    Airflow's `retry_exponential_backoff` adds a random delay of up to the same length, and keeps
    counting after a task was cleared; floe's products wait the same time on every orchestrator.
    """

    def __init__(self, delay: timedelta, retries: int) -> None:
        self.delay = delay
        self.retries = retries

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,
        context: Context | None = None,
    ) -> RetryDecision:
        """Return the decision to retry, as long as Airflow's count of retries allows it."""
        # Clearing a task sets its `max_tries` to the tries so far plus its retries.
        tries_before = max_tries - self.retries
        return RetryDecision.retry(self.delay * 2 ** max(0, try_number - tries_before - 1))
