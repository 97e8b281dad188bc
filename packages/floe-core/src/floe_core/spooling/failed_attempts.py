"""How often the sending of each waiting event has failed, kept on disk between senders."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.storage.atomic_files import write_whole
from floe_core.storage.regular_files import read_regular

# After this many failures, the events behind are tried; if one is accepted, this is set aside.
ATTEMPTS = 5
# After this many, an event without any behind it is set aside as well.
ATTEMPTS_ALONE = 20


class FailedAttempts:
    """The file `attempts.json` of a spool. Only the holder of the spool's lock writes it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "attempts.json"
        self._counts = _read(self._path)

    def of(self, event: Path) -> int:
        """Return how often an event has failed."""
        return self._counts.get(event.name, 0)

    def note(self, event: Path, waiting: Iterable[Path]) -> None:
        """Count one more failure of an event, and drop the counts of events that no longer wait."""
        names = {path.name for path in waiting}
        counts = {name: count for name, count in self._counts.items() if name in names}
        self._counts = {**counts, event.name: self.of(event) + 1}
        write_whole(self._path, json.dumps(self._counts).encode())


def _read(path: Path) -> dict[str, int]:
    try:
        counts = json.loads(read_regular(path))
    except (OSError, EnvironmentProblemError, ValueError, RecursionError):
        return {}
    if not isinstance(counts, dict):
        return {}
    return {name: count for name, count in counts.items() if isinstance(count, int)}
