"""Which attempt of a run this is, by Airflow's count of tries."""

from __future__ import annotations


def is_automatic(try_number: int, max_tries: int, retries: int) -> bool:
    """Return whether Airflow itself makes this try of a task: no person cleared the task for it.

    Clearing a task sets its `max_tries` to the tries so far and its retries, so the first try after
    it is the one that leaves all of its retries.
    """
    return try_number == 1 or try_number > max_tries - retries + 1
