"""The consoles of the command line: results go to stdout, everything else to stderr."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

_UNCROPPED = 10_000


@cache
def stdout() -> Console:
    """Return the console for results."""
    from rich.console import Console

    return Console(highlight=False)


@cache
def uncropped_console() -> Console:
    """Return a console for results that neither wraps nor crops lines at the terminal's width."""
    from rich.console import Console

    return Console(highlight=False, width=_UNCROPPED)


@cache
def stderr() -> Console:
    """Return the console for progress, notices and errors."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def notice(text: str) -> None:
    """Print a notice that is not an error on stderr."""
    stderr().print(text, style="dim", markup=False)


def print_json(value: Any) -> None:
    """Print a result as JSON on stdout."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))
