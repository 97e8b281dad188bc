"""The error with which a build's task fails, and whether Prefect may retry it."""

from __future__ import annotations

from typing import Any

from floe_core.execution import BuildFailure


class BuildFailedError(Exception):
    """Not every node passed."""

    def __init__(self, failure: BuildFailure) -> None:
        self.may_retry = failure.may_retry
        super().__init__(failure.text)


def may_retry(task: Any, task_run: Any, state: Any) -> bool:
    """Return whether Prefect may retry a failed task: its `retry_condition_fn`."""
    error = state.data
    return error.may_retry if isinstance(error, BuildFailedError) else True
