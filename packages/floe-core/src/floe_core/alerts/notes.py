"""Notes that alerts keep between runs: short texts by name, such as `failing/shop.json`."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from floe_core.storage.files import read_regular, write_together
from floe_core.storage.state_folder import place_below


class Notes(Protocol):
    """Texts by name. Only the holder of their store uses them."""

    def read(self, name: str) -> str | None:
        """Return a text, None if there is none."""

    def write(self, name: str, text: str) -> None:
        """Keep a text."""

    def remove(self, name: str) -> None:
        """Remove a text, if it exists."""

    def forget(self, prefix: str, seconds: float) -> None:
        """Remove the texts below a prefix, such as `told`, that are older than some seconds."""


class FolderNotes:
    """A file for each text."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> str | None:
        """See `Notes.read`."""
        try:
            return read_regular(self._path(name))
        except FileNotFoundError:
            return None

    def write(self, name: str, text: str) -> None:
        """See `Notes.write`."""
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_together(path.parent, {path.name: text.encode()})

    def remove(self, name: str) -> None:
        """See `Notes.remove`."""
        self._path(name).unlink(missing_ok=True)

    def forget(self, prefix: str, seconds: float) -> None:
        """See `Notes.forget`."""
        for path in place_below(self._folder, prefix).glob("*"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > seconds:
                    path.unlink()

    def _path(self, name: str) -> Path:
        folder, _, file = name.rpartition("/")
        return place_below(self._folder, folder) / file


class MappedNotes:
    """Name -> `{"text": ..., "at": seconds since the epoch}`, in a mapping that a store keeps."""

    def __init__(self, kept: dict[str, Any]) -> None:
        self._kept = kept

    def read(self, name: str) -> str | None:
        """See `Notes.read`."""
        return str(self._kept[name]["text"]) if name in self._kept else None

    def write(self, name: str, text: str) -> None:
        """See `Notes.write`."""
        if self.read(name) != text:
            self._kept[name] = {"text": text, "at": round(time.time())}

    def remove(self, name: str) -> None:
        """See `Notes.remove`."""
        self._kept.pop(name, None)

    def forget(self, prefix: str, seconds: float) -> None:
        """See `Notes.forget`."""
        oldest = time.time() - seconds
        for name in [n for n in self._kept if n.startswith(f"{prefix}/")]:
            if self._kept[name]["at"] < oldest:
                del self._kept[name]
