"""The product's retries as a Dagster retry policy."""

from __future__ import annotations

from dagster import RetryPolicy

from floe_core.schemas.compiled_artifacts import CompiledArtifacts


class DoublingRetryPolicy(RetryPolicy):
    """Waits the delay before the first retry, then twice as long each time.

    Dagster's own `Backoff.EXPONENTIAL` waits 1, 3, 7 times the delay; floe's products wait the same
    time on every orchestrator.
    """

    def calculate_delay(self, attempt_num: int) -> float:
        """Return the seconds before retry `attempt_num`, which counts from 1."""
        return float((self.delay or 0) * 2 ** (attempt_num - 1))


def retry_policy(artifacts: CompiledArtifacts) -> RetryPolicy | None:
    """Return the product's retry policy; None if it has no retries."""
    if not artifacts.retries:
        return None
    policy = artifacts.execution
    kind = DoublingRetryPolicy if policy.retry_backoff == "exponential" else RetryPolicy
    return kind(max_retries=artifacts.retries, delay=policy.retry_delay_seconds)
