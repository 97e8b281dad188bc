"""`floe dev`: serve a product to its developer."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from floe_core.cli.options import Env, On, Product

if TYPE_CHECKING:
    from floe_core.plugin_api.powers import DevOptions


def dev(
    product: Product = Path(),
    on: On = None,
    env: Env = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=1, max=65535, help="The port of the pages; by default the orchestrator's usual one."
        ),
    ] = None,
    schedules: Annotated[
        bool,
        typer.Option("--schedules", help="Let schedules and updates of ports start runs."),
    ] = False,
) -> None:
    """Start the orchestrator with its pages on this machine, and load what changes as it is saved.

    An error in a file is shown with its place and its fix, and the last good state goes on. While
    this is up, `floe run` of the product uses this orchestrator. ^C stops everything; the history
    of runs stays in .floe for the next start.
    """
    from floe_dev.choice import await_choice
    from floe_dev.dev_place import claimed
    from floe_dev.ports import choose_port
    from floe_dev.terminal import Terminal
    from floe_dev.workshop import serve

    folder, terminal = product.absolute(), Terminal()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    with claimed(folder):
        name, server, uncompiled = await_choice(folder, on, terminal.show_error)
        terminal.say(f"starting {name} for {uncompiled.name}")
        if not schedules:
            terminal.say("schedules are paused; --schedules lets them start runs", "dim")
        usual = choose_port(port, server.dev_port, terminal.say)
        serve(folder, server, uncompiled, _options(usual, schedules), name)


def _options(port: int, follows_schedules: bool) -> DevOptions:
    from floe_core.plugin_api.powers import DevOptions
    from floe_core.schedules.live_schedules import PAUSED_VARIABLE

    paused = {} if follows_schedules else {PAUSED_VARIABLE: "1"}
    return DevOptions(port, follows_schedules, paused)
