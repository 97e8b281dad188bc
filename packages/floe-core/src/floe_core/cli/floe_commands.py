"""The group of floe's commands: those of other distributions too, their help, and their errors."""

from __future__ import annotations

import errno
import inspect
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from importlib.metadata import EntryPoint
from typing import Any

import typer
from typer.core import TyperGroup, TyperOption

from floe_core.cli.console import notice, print_json
from floe_core.foundation.entry_points import distribution_of, installed_points, named_failure
from floe_core.foundation.errors import (
    EnvironmentProblemError,
    FloeError,
    InvalidProductError,
    PluginError,
)

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


@cache
def added_commands() -> dict[str, EntryPoint]:
    """Return name -> entry point."""
    return installed_points("floe.commands")


def names_that_load() -> list[str]:
    """Return the names of the added commands, sorted; warns of those that do not load."""
    found = []
    for name in sorted(added_commands()):
        try:
            added_command(name)
        except PluginError as error:
            notice(f"warning: {error}")
        else:
            found.append(name)
    return found


def added_command(name: str) -> Any:
    """Return a command of click, None if there is none of that name.

    Raises:
        PluginError: It does not load.
    """
    point = added_commands().get(name)
    if point is None:
        return None
    with named_failure(f"`floe {name}` of {distribution_of(point)}"):
        found = point.load()
    app = found if isinstance(found, typer.Typer) else _app_of(found)
    join_lines_of_help(app)
    command = typer.main.get_command(app)
    command.name = name
    return command


def _app_of(function: Any) -> typer.Typer:
    names = {"help_option_names": ["-h", "--help"]}
    app = typer.Typer(context_settings=names, add_completion=False)
    app.command()(function)
    return app


# click's base class of usage errors; typer exports only some of its subclasses.
_WrongCallError: Any = typer.BadParameter.__bases__[0]
_OF_A_FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
_OF_A_WRONG_FILE = (errno.EISDIR, errno.ENOTDIR, errno.ELOOP, errno.EACCES, errno.EPERM)


class Commands(TyperGroup):
    """floe's commands and those of other distributions; with `--json`, errors are JSON too."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """See `TyperGroup.get_command`."""
        return super().get_command(ctx, cmd_name) or added_command(cmd_name)

    def list_commands(self, ctx: Any) -> list[str]:
        """See `TyperGroup.list_commands`."""
        return [*super().list_commands(ctx), *names_that_load()]

    def invoke(self, ctx: Any) -> Any:
        """See `TyperGroup.invoke`."""
        # Empty afterwards.
        arguments = tuple(ctx.args)
        try:
            return super().invoke(ctx)
        except _WrongCallError as error:
            _print_error(arguments, error.format_message())
            raise
        except FloeError as error:
            _print_error(arguments, str(error), error)
            raise
        except OSError as error:
            problem = _problem_of(error)
            if problem is None:
                raise
            _print_error(arguments, str(problem))
            raise problem from error


def _print_error(arguments: Sequence[str], message: str, error: FloeError | None = None) -> None:
    if "--json" in arguments:
        found = error.problems if isinstance(error, InvalidProductError) else ()
        problems = [asdict(each) for each in found]
        print_json({"status": "error", "message": message, "problems": problems})


def _problem_of(error: OSError) -> FloeError | None:
    """Return the problem of the machine that an error shows, None if it may be a bug."""
    where = f"{error.filename}: " if error.filename else ""
    if error.errno in _OF_A_FULL_DISK:
        return EnvironmentProblemError(f"{where}{error.strerror}; make room, then run this again")
    if error.errno in _OF_A_WRONG_FILE and where:
        what = f"{where}{error.strerror}; move it away, or change its owner or mode"
        return EnvironmentProblemError(what)
    return None
