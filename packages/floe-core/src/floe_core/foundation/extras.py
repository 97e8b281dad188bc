"""What an optional feature needs beside floe, and the command that installs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from floe_core.foundation.errors import EnvironmentProblemError

DISTRIBUTION = "floe-orchestration"


def install_command(*extras: str) -> str:
    """Return the command that installs floe with extras of its distribution.

    >>> install_command("duckdb", "dagster")
    "pip install 'floe-orchestration[duckdb,dagster]'"
    """
    return f"pip install '{DISTRIBUTION}[{','.join(extras)}]'"


@contextmanager
def needed_extra(extra: str, what: str) -> Iterator[None]:
    """Say how to install an extra if an import in the block fails; `what` needs it.

    Raises:
        EnvironmentProblemError: It fails because a library of the extra is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("floe"):
            raise
        raise EnvironmentProblemError(
            f"{what} needs {error.name}: `{install_command(extra)}`"
        ) from None
