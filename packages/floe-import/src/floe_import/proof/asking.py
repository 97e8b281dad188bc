"""Ask another tool in a process of its own, in the environment in which it is installed."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

_QUIET = {
    "AIRFLOW__COSMOS__ENABLE_TELEMETRY": "False",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "DAGSTER_DISABLE_TELEMETRY": "yes",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "False",
    "DO_NOT_TRACK": "1",
}


# The last line of an error of pydantic.
_POINTER = "For further information visit"


class CannotAskError(Exception):
    """The tool is not installed there, or it refuses; the text says why, in a line."""


def ask(python: str, program: Path, *arguments: str) -> Any:
    """Return the JSON that a program prints last.

    Raises:
        CannotAskError: The program failed.
    """
    with tempfile.TemporaryDirectory(prefix="floe-import-") as home:
        # The programs of a virtual environment that is not activated, such as dbt, are found too.
        path = os.pathsep.join([str(Path(python).parent), os.environ.get("PATH", os.defpath)])
        environment = _QUIET | {"AIRFLOW_HOME": home} | dict(os.environ) | {"PATH": path}
        try:
            done = subprocess.run(
                [python, str(program), *arguments],
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError as error:
            raise CannotAskError(f"{python}: {error.strerror}") from None
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        said = done.stderr.strip().splitlines() or ["it printed nothing"]
        told = [line.strip() for line in said if not line.strip().startswith(_POINTER)]
        raise CannotAskError(told[-1] if told else said[-1])
    return json.loads(lines[-1])


def program(name: str) -> Path:
    """Return the file of a program of this room."""
    return Path(__file__).parent / "programs" / f"{name}.py"
