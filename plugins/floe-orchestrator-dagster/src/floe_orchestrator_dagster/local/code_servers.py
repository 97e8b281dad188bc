"""Watch the processes of a `dagster dev` that have loaded the products' code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise

import psutil  # type: ignore[import-untyped]

# Words of their command lines: Dagster runs one of the first for each code location, which starts
# the second, and another one at each reload.
_RELOADS, _LOADED, _LOCATION = "code-server", "grpc", "--location-name"


class CodeServers:
    """The code servers below a process; Dagster does not notice that one was killed."""

    def __init__(self, ancestor: int) -> None:
        self._ancestor = ancestor
        # Code location -> what reloads it, and what has loaded it.
        self._seen: dict[str, tuple[psutil.Process, psutil.Process]] = {}

    def note(self, location: str) -> None:
        """Note which process has loaded a code location."""
        with suppress(psutil.NoSuchProcess):
            if (found := self._find(location)) is not None:
                self._seen[location] = found

    def reap(self) -> Iterator[str]:
        """Yield once each code location that no process has loaded any more.

        Dagster itself starts again what reloads one, and a reload replaces what has loaded it.
        """
        for location, (reloads, loaded) in tuple(self._seen.items()):
            if not _runs(loaded):
                self.note(location)
                if self._seen[location][1] == loaded and _runs(reloads):
                    del self._seen[location]
                    yield location

    def _find(self, location: str) -> tuple[psutil.Process, psutil.Process] | None:
        for process in psutil.Process(self._ancestor).children(recursive=True):
            words = _words(process)
            if _RELOADS in words and (_LOCATION, location) in pairwise(words):
                loaded = [each for each in process.children() if _LOADED in _words(each)]
                if loaded:
                    return process, max(loaded, key=psutil.Process.create_time)
        return None


def _words(process: psutil.Process) -> list[str]:
    """Return the command line of a process, empty if it has ended."""
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return list(process.cmdline())
    return []


def _runs(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False
