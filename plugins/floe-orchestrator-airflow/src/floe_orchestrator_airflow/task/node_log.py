"""Write dbt's messages and results into an Airflow task's log."""

from __future__ import annotations

import logging

from floe_core.runs.build_events import NodeLog, NodeResult

_LEVELS = {"debug": logging.DEBUG, "warn": logging.WARNING, "error": logging.ERROR}


def level_of(message: NodeLog) -> int:
    """Return Python's logging level for a dbt message."""
    return _LEVELS.get(message.level, logging.INFO)


def level_of_result(result: NodeResult) -> int:
    """Return the level for how a node ended: error if it failed, but not if it was skipped."""
    return logging.INFO if result.passed or result.status == "skipped" else logging.ERROR


def summary(result: NodeResult) -> str:
    """Return a line that says how a node ended."""
    found = (
        result.status,
        f"{result.seconds:.2f} s",
        "" if result.rows is None else f"{result.rows} rows",
        "" if not result.failures else f"{result.failures} failures",
        "" if result.passed and not result.is_disabled else result.message,
    )
    return f"{result.unique_id}: " + ", ".join(part for part in found if part)
