"""`--log-format json`: what a command says on stderr, as one JSON object a line."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from floe_core.runs.build_events import (
    BuildEnded,
    BuildEvent,
    NodeLog,
    NodeResult,
    NodeStarted,
    PartitionResult,
)

VARIABLE = "FLOE_LOG_FORMAT"
_LEVELS = {"error": "error", "fail": "error", "warn": "warn"}
_EVENTS: dict[type, str] = {
    NodeStarted: "node_started",
    NodeLog: "log",
    PartitionResult: "partition_result",
    NodeResult: "node_result",
    BuildEnded: "build_ended",
}


class LogFormat(StrEnum):
    """How a command logs: lines for people, or for programs."""

    TEXT = "text"
    JSON = "json"


_chosen: LogFormat | None = None


def choose_log_format(chosen: LogFormat) -> LogFormat:
    """Choose how this process logs."""
    global _chosen
    _chosen = chosen
    return chosen


LogFormatOption = Annotated[
    LogFormat,
    typer.Option(
        "--log-format",
        envvar=VARIABLE,
        callback=choose_log_format,
        help="Log on stderr as text, or as one JSON object a line.",
    ),
]


def is_json_log() -> bool:
    """Return whether this process logs JSON: by the command's option, or by the environment."""
    return (_chosen or os.environ.get(VARIABLE)) == LogFormat.JSON


def write_log(event: str, level: str, message: str, **fields: Any) -> None:
    """Write one line: `ts` in UTC, `level`, `event`, `message`, and the fields that are not empty.

    Levels are debug, info, warn and error, as in dbt.
    """
    line = {
        "ts": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "level": level,
        "event": event,
        "message": message,
        **{name: value for name, value in fields.items() if value not in (None, "", (), [], {})},
    }
    # Escaped, it holds nothing that would control a terminal.
    sys.stderr.write(json.dumps(line, default=str) + "\n")
    sys.stderr.flush()


def log_event(event: BuildEvent) -> None:
    """Write an event of a build: names are those of its fields, `node` is the id of a node."""
    fields = asdict(event)
    message = fields.pop("message", "") or fields.pop("text", "")
    node, level = fields.pop("unique_id", ""), fields.pop("level", "")
    if isinstance(event, BuildEnded):
        level = "info" if event.succeeded else "error"
    level = level or _LEVELS.get(fields.get("status", ""), "info")
    write_log(_EVENTS[type(event)], level, message, node=node, **fields)
