"""Print errors as JSON on stdout if `--json` was given."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

import typer
from typer.core import TyperGroup

from floe_core.cli.added_commands import added_command, names_that_load
from floe_core.foundation.errors import InvalidProductError

# click's base class of usage errors; typer exports only some of its subclasses.
_WrongCallError: Any = typer.BadParameter.__bases__[0]


class Commands(TyperGroup):
    """floe's commands and those of other distributions; usage errors are JSON like all others."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """See `TyperGroup.get_command`."""
        return super().get_command(ctx, cmd_name) or added_command(cmd_name)

    def list_commands(self, ctx: Any) -> list[str]:
        """See `TyperGroup.list_commands`."""
        return [*super().list_commands(ctx), *names_that_load()]

    def invoke(self, ctx: Any) -> Any:
        """See `TyperGroup.invoke`."""
        try:
            return super().invoke(ctx)
        except _WrongCallError as error:
            print_error(error.format_message())
            raise


def print_error(message: str, error: Exception | None = None) -> None:
    """Print an error as JSON on stdout if the command line has `--json`."""
    if "--json" not in sys.argv:
        return
    problems = [asdict(p) for p in error.problems] if isinstance(error, InvalidProductError) else []
    content = {"status": "error", "message": message, "problems": problems}
    sys.stdout.write(json.dumps(content) + "\n")
