"""Store schedules in a file on a shared disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.schedules.schedule_override import Overrides, overrides_in, text_of
from floe_core.storage.atomic_files import write_together

LOCK_SECONDS = 30.0


class FileScheduleStore:
    """A JSON file, replaced as a whole: a reader sees either the old or the new content.

    Writers wait for each other at a lock file beside it; the lock ends with a killed process.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def place(self) -> str:
        """The file's path."""
        return str(self.path)

    def read(self) -> Overrides:
        """See `ScheduleStore.read`."""
        try:
            text = self.path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            raise EnvironmentProblemError(
                f"{self.path}: the schedules cannot be read: {error.strerror}"
            ) from error
        return overrides_in(text, self.place)

    def change(self, changed: Callable[[Overrides], Overrides]) -> None:
        """See `ScheduleStore.change`."""
        lock = self._lock()
        try:
            new = text_of(changed(self.read())) + "\n"
            write_together(self.path.parent, {self.path.name: new.encode()})
        finally:
            lock.release()

    def _lock(self) -> FileLock:
        lock = FileLock(self.path.with_name(f".{self.path.name}.lock"), timeout=LOCK_SECONDS)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout:
            raise EnvironmentProblemError(
                f"{self.path}: another process has been changing the schedules for "
                f"{LOCK_SECONDS:.0f} s"
            ) from None
        except OSError as error:
            raise EnvironmentProblemError(
                f"{self.path}: cannot be written: {error.strerror}; name a folder or URL that can "
                "in FLOE_SCHEDULE_STORE"
            ) from error
        return lock
