"""The consoles of the command line: results go to stdout, everything else to stderr.

Texts of others, such as descriptions and errors of a warehouse, reach a terminal without what would
control it: escape sequences, carriage returns, and marks that change the direction of text.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import typer

from floe_core.foundation.stages import end_stage

if TYPE_CHECKING:
    from rich.console import Console

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
    from floe_core.cli.json_log import is_json_log, write_log

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
