"""Which options were given on the command line, for those that exclude each other."""

from __future__ import annotations

import typer


def given_options(context: typer.Context) -> set[str]:
    """Return the parameters that were given on the command line, not by default or variable."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return {name for name, source in sources.items() if source and source.name == "COMMANDLINE"}
