"""`floe dev`: serve a product, or the products of a platform, to a developer."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from floe_core.cli.options import Env, On

if TYPE_CHECKING:
    from floe_core.plugin_api.powers import DevOptions
    from floe_dev.orchestrator import Orchestrator
    from floe_dev.platform_choice import Choice
    from floe_dev.terminal import Terminal


def dev(
    product: Annotated[
        Path,
        typer.Argument(
            help="The folder with floe.yaml, or a manifest of several products, or its folder.",
            show_default="the current folder",
        ),
    ] = Path(),
    on: On = None,
    place: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PRODUCT=NAME",
            help="For a platform: the orchestrator of one product. Can be repeated.",
        ),
    ] = None,
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

    For a manifest, or the folder of one, all of its products are served: those of an orchestrator
    by one, with one history.
    """
    from floe_core.compiler.ports.products import is_platform
    from floe_core.foundation.errors import UsageError
    from floe_dev.dev_place import claimed, write_start
    from floe_dev.terminal import Terminal

    path, terminal = product.absolute(), Terminal()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    of_platform = is_platform(path)
    if place and not of_platform:
        raise UsageError("--place is for a platform; give its manifest.yaml")
    folder = path.parent if path.is_file() else path
    with ExitStack() as claims:
        claims.enter_context(claimed(folder))
        choices = _await_choices(path, folder, on, place or [] if of_platform else None, terminal)
        for each in choices:
            if each.product.folder != folder:
                claims.enter_context(claimed(each.product.folder))
        _announce(choices, schedules, terminal)
        ports = _reserve_ports(choices, port, terminal, claims)
        for each in choices:
            write_start(each.product.folder, each.orchestrator)
        _serve(choices, _options(folder, ports, schedules), terminal)


def _await_choices(
    path: Path, folder: Path, on: str | None, place: list[str] | None, terminal: Terminal
) -> list[Choice]:
    """Return the choices; `place` is None for one product."""
    from floe_dev.platform_choice import await_choice, choose_for_platform, choose_for_product

    def choose() -> list[Choice]:
        if place is None:
            return choose_for_product(folder, on)
        return choose_for_platform(path, on, place, terminal.say)

    return await_choice(folder, choose, terminal.show_error)


def _announce(choices: Sequence[Choice], schedules: bool, terminal: Terminal) -> None:
    for name in dict.fromkeys(each.orchestrator for each in choices):
        names = [each.product.name for each in choices if each.orchestrator == name]
        terminal.say(f"starting {name} for {', '.join(names)}")
    if not schedules:
        terminal.say("schedules are paused; --schedules lets them start runs", "dim")


def _reserve_ports(
    choices: Sequence[Choice], port: int | None, terminal: Terminal, until: ExitStack
) -> dict[str, int]:
    """Return orchestrator -> the port of its pages.

    Raises:
        UsageError: One port is chosen for several orchestrators, or none is free.
    """
    from floe_core.foundation.errors import UsageError
    from floe_dev.ports import reserve_port

    usual = {each.orchestrator: each.server.dev_port for each in choices}
    if port is not None and len(usual) > 1:
        raise UsageError(f"--port is for one orchestrator; these are {', '.join(usual)}")
    return {name: reserve_port(port, each, terminal.say, until) for name, each in usual.items()}


def _options(folder: Path, ports: dict[str, int], follows_schedules: bool) -> dict[str, DevOptions]:
    from floe_core.plugin_api.powers import DevOptions
    from floe_core.schedules.live_schedules import PAUSED_VARIABLE

    paused = {} if follows_schedules else {PAUSED_VARIABLE: "1"}
    return {
        name: DevOptions(folder, port, follows_schedules, paused) for name, port in ports.items()
    }


def _serve(choices: Sequence[Choice], options: dict[str, DevOptions], terminal: Terminal) -> None:
    from floe_dev.compile_process import CompileProcess
    from floe_dev.served_product import ServedProduct
    from floe_dev.workshop import Workshop

    orchestrators = {name: _orchestrator(name, choices, options[name]) for name in options}
    first = choices[0]
    process = CompileProcess(first.product.folder, first.orchestrator)
    products = [
        ServedProduct(
            each.product,
            orchestrators[each.orchestrator],
            process.shared_with(each.product.folder, each.orchestrator),
            terminal.of_product(each.product.name) if len(choices) > 1 else terminal,
        )
        for each in choices
    ]
    try:
        Workshop(products, terminal).serve()
    finally:
        process.close()


def _orchestrator(name: str, choices: Sequence[Choice], options: DevOptions) -> Orchestrator:
    from floe_dev.orchestrator import Orchestrator

    served = [each for each in choices if each.orchestrator == name]
    return Orchestrator(name, served[0].server, [each.product for each in served], options)
