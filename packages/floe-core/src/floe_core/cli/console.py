"""The consoles of the command line: results on stdout, all else on stderr, as text or as JSON.

Texts of others, such as descriptions and errors of a warehouse, reach a terminal without what would
control it: escape sequences, carriage returns, and marks that change the direction of text.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache, partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from floe_core.foundation.stages import end_stage
from floe_core.runs.build_events import (
    BuildEnded,
    BuildEvent,
    NodeLog,
    NodeResult,
    NodeStarted,
    PartitionResult,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status


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


_UNCROPPED = 10_000
# C0 and C1 but for tab and newline, and the bidirectional marks of Unicode.
_CONTROLS = (
    *(code for code in range(0x20) if code not in (0x09, 0x0A)),
    *range(0x7F, 0xA0),
    0x061C,
    *(0x200E, 0x200F),
    *range(0x202A, 0x202F),
    *range(0x2066, 0x206A),
)
_SHOWN = dict.fromkeys(_CONTROLS, "\ufffd")
_IN_JSON = {code: f"\\u{code:04x}" for code in _CONTROLS}


def without_controls(text: str) -> str:
    """Return a text that only shows characters on a terminal.

    >>> without_controls("a\\x1b[2Jb\\n") == "a\\ufffd[2Jb\\n"
    True
    """
    return text.translate(_SHOWN)


def count_of(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> count_of(1, "node"), count_of(2, "node")
    ('1 node', '2 nodes')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def stdout() -> Console:
    """Return the console for results; from now on, no stage is shown."""
    end_stage()
    return _stdout()


def uncropped_console() -> Console:
    """Return a console for results that neither wraps nor crops lines at the terminal's width."""
    end_stage()
    return _uncropped()


@cache
def _stdout() -> Console:
    return _console()


@cache
def _uncropped() -> Console:
    return _console(width=_UNCROPPED)


@cache
def stderr() -> Console:
    """Return the console for progress, notices and errors."""
    return _console(stderr=True)


def notice(text: str) -> None:
    """Print a notice that is not an error on stderr."""

    if is_json_log():
        is_warning = text.startswith("warning:")
        write_log("notice", "warn" if is_warning else "info", text.removeprefix("warning: "))
    else:
        stderr().print(text, style="dim", markup=False)


def echo(text: str) -> None:
    """Print a text as it is, but for what would control a terminal."""
    end_stage()
    typer.echo(without_controls(text))


def print_json(value: Any) -> None:
    """Print a result as JSON on stdout."""
    end_stage()
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    typer.echo(text.translate(_IN_JSON))


def _console(**options: Any) -> Console:
    from collections.abc import Iterable

    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

    class PlainTextConsole(Console):
        def render(
            self, renderable: RenderableType, options: ConsoleOptions | None = None
        ) -> Iterable[Segment]:
            for text, style, control in super().render(renderable, options):
                yield Segment(text if control else without_controls(text), style, control)

    return PlainTextConsole(highlight=False, emoji=False, **options)


class StagesOnStderr:
    """Shows a spinner on a terminal, and a line for each stage elsewhere; nothing with `--json`."""

    are_hidden = False

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._status: Status | None = None
        self._latest = ""

    def begin(self, stage: str) -> None:
        """See `StageDisplay`."""
        if is_json_log():
            write_log("stage", "info", stage)
        elif not self.are_hidden:
            with self._turn:
                self._show(stage)

    def end(self) -> None:
        """See `StageDisplay`."""
        with self._turn:
            if self._status is not None:
                self._status.stop()
            self._status, self._latest = None, ""

    def _show(self, stage: str) -> None:
        from rich.markup import escape

        console, is_new = stderr(), stage != self._latest
        self._latest = stage
        if not console.is_terminal:
            if is_new:
                console.print(stage, style="dim", markup=False, soft_wrap=True)
        elif self._status is None:
            self._status = console.status(escape(stage))
            self._status.start()
        else:
            self._status.update(escape(stage))


def hide_stages(context: typer.Context, as_json: bool) -> bool:
    """Show no stages beside a command's JSON."""
    StagesOnStderr.are_hidden = as_json
    context.call_on_close(partial(setattr, StagesOnStderr, "are_hidden", False))
    return as_json
