"""dbt's messages in the log of the step that runs it."""

from __future__ import annotations

from dagster import AssetExecutionContext

from floe_core.execution import NodeLog


def log_node_line(context: AssetExecutionContext, line: NodeLog) -> None:
    """Write one message of dbt to the step's log, at its own level."""
    speak = {"error": context.log.error, "warn": context.log.warning}.get(line.level)
    (speak or context.log.info)(line.text)
