"""The folder for the state of runs: in the compiled folder, or below `FLOE_STATE_DIR`."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from urllib.parse import quote

from floe_core.errors import EnvironmentProblemError

STATE_DIR_VARIABLE = "FLOE_STATE_DIR"


def state_folder(project_dir: Path) -> Path:
    """Return the folder for a product's runs, created if missing and ignored by git.

    `.floe` inside the compiled folder, or `$FLOE_STATE_DIR/<folder name>` if that is set, for
    folders that are not writable.

    Raises:
        EnvironmentProblemError: The folder cannot be created or written.
    """
    chosen = os.environ.get(STATE_DIR_VARIABLE)
    folder = Path(chosen) / project_dir.absolute().name if chosen else project_dir / ".floe"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")
    except OSError as error:
        raise _not_writable(folder, error.strerror) from error
    return folder


def run_folder(project_dir: Path, run_id: str) -> Path:
    """Return the folder of one run, created if missing. Any text is valid as a run id.

    Raises:
        EnvironmentProblemError: The folder cannot be created.
    """
    folder = state_folder(project_dir) / "runs" / quote(run_id, safe=" ")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_writable(folder, error.strerror) from error
    return folder


def journal_folder(project_dir: Path, name: str) -> Path:
    """Return a folder of the state folder for what a killed command leaves, created if missing.

    Raises:
        EnvironmentProblemError: The folder cannot be created or written.
    """
    folder = state_folder(project_dir) / name
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise _not_writable(folder, error.strerror) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _not_writable(folder, os.strerror(errno.EACCES))
    return folder


def _not_writable(folder: Path, reason: str | None) -> EnvironmentProblemError:
    return EnvironmentProblemError(
        f"{folder}: cannot be written ({reason}); set {STATE_DIR_VARIABLE} to a folder that can"
    )
