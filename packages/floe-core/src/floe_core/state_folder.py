"""Where runs leave what they know: beside the product, or where `FLOE_STATE_DIR` says."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from floe_core.errors import EnvironmentProblemError

STATE_DIR_VARIABLE = "FLOE_STATE_DIR"


def state_folder(project_dir: Path) -> Path:
    """Return the folder for a product's runs, made when it is missing, ignored by git.

    `.floe` inside the compiled folder; `$FLOE_STATE_DIR/<folder name>` where that is set, for
    folders that cannot be written.

    Raises:
        EnvironmentProblemError: It can be neither found nor made.
    """
    chosen = os.environ.get(STATE_DIR_VARIABLE)
    folder = Path(chosen) / project_dir.absolute().name if chosen else project_dir / ".floe"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")
    except OSError as error:
        raise EnvironmentProblemError(
            f"{folder}: cannot be written ({error.strerror}); set {STATE_DIR_VARIABLE} to a folder "
            "that can"
        ) from error
    return folder


def run_folder(project_dir: Path, run_id: str) -> Path:
    """Return the folder of one run, made when it is missing. Any text serves as a run id."""
    folder = state_folder(project_dir) / "runs" / quote(run_id, safe=" ")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
