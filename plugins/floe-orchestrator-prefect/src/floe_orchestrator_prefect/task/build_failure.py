"""The error with which a build's task fails, and the levels of its messages."""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import Any

from floe_core.execution import BuildFailure
from floe_core.foundation.errors import UsageError

LEVELS: defaultdict[str, int] = defaultdict(
    lambda: logging.INFO,
    {"debug": logging.DEBUG, "warn": logging.WARNING, "error": logging.ERROR},
)


class BuildFailedError(Exception):
    """Not every node passed."""

    def __init__(self, failure: BuildFailure) -> None:
        self.may_retry = failure.may_retry
        super().__init__(failure.text)


def may_retry(task: Any, task_run: Any, state: Any) -> bool:
    """Return whether Prefect may retry a failed task: its `retry_condition_fn`."""
    error = state.data
    if isinstance(error, BuildFailedError):
        return error.may_retry
    return not isinstance(error, UsageError)
