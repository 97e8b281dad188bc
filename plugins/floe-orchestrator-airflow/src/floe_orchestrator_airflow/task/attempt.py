"""The attempt of a run, derived from Airflow's count of tries."""

from __future__ import annotations


def is_automatic(try_number: int, max_tries: int, retries: int) -> bool:
    """Return whether Airflow itself made this try of a task, without a user clearing the task.

    Clearing a task sets its `max_tries` to the tries so far plus its retries, so the first try
    after clearing is the one with all retries left.
    """
    return try_number == 1 or try_number > max_tries - retries + 1
