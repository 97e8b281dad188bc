"""Make folders of compiled code private: the code may hold values of `env_var()`."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

_FOLDER, _FILE = 0o700, 0o600


def make_private(folder: Path) -> None:
    """Create a folder that only its owner may enter, before anything is in it."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(_FOLDER)


def close_to_others(folder: Path) -> None:
    """Make the files in a folder private as well, in case they are moved out of it."""
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            path.chmod(_FOLDER if path.is_dir() else _FILE)
