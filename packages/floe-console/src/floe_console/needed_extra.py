"""What a command needs beside the package itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from floe_core.foundation.errors import EnvironmentProblemError


@contextmanager
def needed_extra(extra: str, command: str) -> Iterator[None]:
    """Say how to install an extra of this package if an import in the block fails.

    Raises:
        EnvironmentProblemError: It fails because a library of the extra is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("floe"):
            raise
        raise EnvironmentProblemError(
            f"`{command}` needs {error.name}: `pip install 'floe-console[{extra}]'`"
        ) from None
