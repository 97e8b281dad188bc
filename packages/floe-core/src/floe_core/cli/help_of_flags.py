"""What `--help` shows: flags without a type, and paragraphs without their line breaks."""

from __future__ import annotations

import inspect
from typing import Any

import typer
from typer.core import TyperOption

_type_shown = TyperOption.display_type_rich


def hide_types_of_flags() -> None:
    """Make help in this process show `--json` where typer 0.29 shows `--json <bool>`.

    A metavar would do for our own options, but not for `--help` or `--install-completion`.
    """
    TyperOption.display_type_rich = _without_type_of_flag  # type: ignore[method-assign, assignment]


def join_lines_of_help(app: typer.Typer) -> None:
    """Let the terminal wrap the docstrings of commands, each paragraph as one line of text.

    typer keeps the line breaks of all paragraphs but the first.
    """
    for command in app.registered_commands:
        paragraphs = inspect.cleandoc(getattr(command.callback, "__doc__", "") or "").split("\n\n")
        command.help = "\n\n".join(" ".join(each.split()) for each in paragraphs)
    for group in app.registered_groups:
        if group.typer_instance is not None:
            join_lines_of_help(group.typer_instance)


def _without_type_of_flag(option: TyperOption, ctx: Any) -> str | None:
    return None if option.is_flag else _type_shown(option, ctx)
