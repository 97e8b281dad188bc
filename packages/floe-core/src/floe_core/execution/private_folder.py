"""What dbt compiled, which may hold what `env_var()` gave: for the eyes of its owner."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

_FOLDER, _FILE = 0o700, 0o600


def make_private(folder: Path) -> None:
    """Make a folder that nobody else may enter, before anything is in it."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(_FOLDER)


def close_to_others(folder: Path) -> None:
    """Take the files in a folder from others as well, should they be moved out of it."""
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            path.chmod(_FOLDER if path.is_dir() else _FILE)
