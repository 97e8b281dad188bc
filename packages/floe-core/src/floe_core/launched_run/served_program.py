"""End a guarded program that served a product to its developer, and quote its output."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

# More than a guard gives its program.
END_SECONDS = 20.0


def end_served(process: subprocess.Popen[str]) -> None:
    """End a program of `start_guarded` with all processes that it started."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    # A guard that was killed has ended nothing of its group.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def last_lines(log: Path) -> str:
    """Return a phrase with the end of a program's log."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    tail = "\n".join(lines[-15:]) or "it wrote nothing"
    return f"{log} ends with\n{tail}"
