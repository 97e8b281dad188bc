"""Start a program that ends with this process, even if this process is killed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from floe_core.foundation import process_guard

_GUARD = (sys.executable, "-I", "-S", process_guard.__file__)


def start_guarded(
    words: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    output: int | IO[bytes] = subprocess.PIPE,
) -> subprocess.Popen[str]:
    """Start a program in a session and process group of its own, with one stream of output.

    Keep `stdin` open: the program is ended once it closes.

    Raises:
        OSError: The folder does not exist, or no process can be started.
    """
    return subprocess.Popen(
        [*_GUARD, *words],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
