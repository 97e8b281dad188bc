"""Start a program of this environment in a process group of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

BIN = Path(sys.executable).parent


def started_in_own_group(
    command: Sequence[str], log: Path, folder: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Return the process, which works in a folder; what it says is added to the log."""
    program, *arguments = command
    with log.open("ab") as output:
        return subprocess.Popen(
            [BIN / program, *arguments],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
