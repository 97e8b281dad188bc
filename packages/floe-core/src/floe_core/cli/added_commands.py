"""Commands that other distributions add, by entry point `floe.commands`: a function or an app."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint
from typing import Any

import typer

from floe_core.cli.console import notice
from floe_core.cli.help_of_flags import join_lines_of_help
from floe_core.foundation.entry_points import distribution_of, installed_points, named_failure
from floe_core.foundation.errors import PluginError


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
