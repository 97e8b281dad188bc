"""What a build's task fails with, and whether Prefect may try it again."""

from __future__ import annotations

from typing import Any


class BuildFailedError(Exception):
    """Not every node passed. `may_retry` says whether another attempt would have work to do."""

    def __init__(self, message: str, may_retry: bool) -> None:
        self.may_retry = may_retry
        super().__init__(message)


def may_retry(task: Any, task_run: Any, state: Any) -> bool:
    """Tell Prefect whether a task that failed may run again: its `retry_condition_fn`."""
    error = state.data
    return error.may_retry if isinstance(error, BuildFailedError) else True
