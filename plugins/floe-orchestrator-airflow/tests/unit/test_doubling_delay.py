from __future__ import annotations

from datetime import timedelta

from floe_orchestrator_airflow.dag.doubling_delay import DoublingDelay


def delays(tries: range, max_tries: int) -> list[float | None]:
    policy = DoublingDelay(timedelta(seconds=5), retries=4)
    decisions = [policy.evaluate(ValueError(), number, max_tries) for number in tries]
    return [d.retry_delay.total_seconds() if d.retry_delay else None for d in decisions]


def test_each_retry_waits_twice_as_long_as_the_one_before() -> None:
    assert delays(range(1, 5), max_tries=4) == [5, 10, 20, 40]


def test_the_delays_start_over_when_a_task_was_cleared() -> None:
    # Cleared after two tries: Airflow counts on, and grants four retries from there.
    assert delays(range(3, 7), max_tries=6) == [5, 10, 20, 40]
