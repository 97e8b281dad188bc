"""Arguments and options that several commands share, and what shells complete them with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from floe_core.cli.console import hide_stages

_NAMED = {"model", "seed", "snapshot", "step"}


def job_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the jobs whose names start with an incomplete value."""
    return _starting([job["name"] for job in _artifacts(ctx).get("jobs", ())], incomplete)


def environment_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the environments whose names start with an incomplete value."""
    return _starting(_artifacts(ctx).get("environments", ()), incomplete)


def node_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return selections of dbt whose last word, such as `+orders`, starts a node's name."""
    before, space, word = incomplete.rpartition(" ")
    plus = "+" if word.startswith("+") else ""
    nodes = _artifacts(ctx).get("nodes", ())
    names = [each["name"] for each in nodes if each["unique_id"].partition(".")[0] in _NAMED]
    return [f"{before}{space}{plus}{name}" for name in _starting(names, word.removeprefix("+"))]


def _starting(names: Any, incomplete: str) -> list[str]:
    return sorted(name for name in names if name.startswith(incomplete))


def _artifacts(ctx: typer.Context) -> dict[str, Any]:
    """Return the artifacts' fields; none if they can't be read, since a shell shows no error."""
    # An option without its value, which is being completed, leaves the product among these.
    folder = Path(next(iter(ctx.args), "") or ctx.params.get("product") or "")
    try:
        found = json.loads((folder / "compiled_artifacts.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


Product = Annotated[
    Path, typer.Argument(help="The folder with floe.yaml.", show_default="the current folder")
]


def installed_orchestrators(incomplete: str) -> list[str]:
    """Return the installed orchestrators whose names start with an incomplete value of `--on`."""
    from floe_core.plugin_registry import installed

    return [name for name in installed() if name.startswith(incomplete)]


def check_installed(name: str | None) -> str | None:
    """Return the name of an orchestrator unchanged.

    Raises:
        UsageError: No installed plugin has this name.
    """
    if name is None:
        return None
    from floe_core.foundation.errors import UsageError
    from floe_core.plugin_registry import installed, unknown_plugin

    if name not in installed():
        raise UsageError(unknown_plugin(name))
    return name


On = Annotated[
    str | None,
    typer.Option(
        "--on",
        metavar="NAME",
        help="The orchestrator; overrides the manifest.",
        autocompletion=installed_orchestrators,
        callback=check_installed,
    ),
]


def check_file(path: Path | None) -> Path | None:
    """Return the path of a file to write unchanged: it is written at the end of a long command.

    Raises:
        UsageError: It is a folder.
    """
    from floe_core.foundation.errors import UsageError

    if path is not None and path.is_dir():
        raise UsageError(f"{path} is a folder; name a file to write")
    return path


def use_environment(context: typer.Context, name: str | None) -> str | None:
    """Choose an environment for this command and its child processes; "" for none."""
    from floe_core.foundation.process_environment import environment_with
    from floe_core.storage.environment_choice import ENVIRONMENT_VARIABLE

    if name is not None:
        context.with_resource(environment_with({ENVIRONMENT_VARIABLE: name}))
    return name


Env = Annotated[
    str | None,
    typer.Option(
        "--env",
        metavar="NAME",
        envvar="FLOE_ENV",
        callback=use_environment,
        autocompletion=environment_names,
        help="An environment of the manifest.",
    ),
]
JobOption = Annotated[
    str | None,
    typer.Option(
        "--job", help="A job of the product instead of all of it.", autocompletion=job_names
    ),
]
NodesToShow = Annotated[
    str | None,
    typer.Option(
        "--select", help="Nodes to show, in dbt's selection syntax.", autocompletion=node_names
    ),
]
Json = Annotated[bool, typer.Option("--json", callback=hide_stages, help="Print JSON on stdout.")]


def given_options(context: typer.Context) -> set[str]:
    """Return the parameters that were given on the command line, not by default or variable."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return {name for name, source in sources.items() if source and source.name == "COMMANDLINE"}
