"""The errors that end a command: those of the machine explained, and with `--json` as JSON too."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import typer
from typer.core import TyperGroup

from floe_core.cli.added_commands import added_command, names_that_load
from floe_core.cli.console import print_json
from floe_core.foundation.errors import EnvironmentProblemError, FloeError, InvalidProductError

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
            _print(arguments, error.format_message())
            raise
        except FloeError as error:
            _print(arguments, str(error), error)
            raise
        except OSError as error:
            problem = _problem_of(error)
            if problem is None:
                raise
            _print(arguments, str(problem))
            raise problem from error


def _print(arguments: Sequence[str], message: str, error: FloeError | None = None) -> None:
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
