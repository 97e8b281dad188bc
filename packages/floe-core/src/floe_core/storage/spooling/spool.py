"""Events on disk, written before anything is sent: one file for each, in limited room."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from floe_core.storage.files import read_regular, write_whole
from floe_core.storage.state_folder import place_below, state_folder, state_place

LIMIT_VARIABLE = "FLOE_LINEAGE_SPOOL_MB"
_DEFAULT_MEGABYTES = 1024
_MEGABYTE = 1024 * 1024
# The disk space of a small file on most disks.
_BLOCK = 4096
_LOOK_AGAIN_SECONDS = 1.0


class SpoolFullError(OSError):
    """The waiting events use all of the allowed disk space: this one is dropped."""


def limit_in_bytes() -> int:
    """Return the limit from `FLOE_LINEAGE_SPOOL_MB`, 1 GiB if it is not set or not valid."""
    text = os.environ.get(LIMIT_VARIABLE, "")
    megabytes = int(text) if text.isdecimal() else _DEFAULT_MEGABYTES
    return megabytes * _MEGABYTE


def bytes_in(folders: Sequence[Path]) -> int:
    """Return the disk space of the files in these folders."""
    return sum(on_disk(size) for folder in folders for size in _sizes(folder))


def on_disk(size: int) -> int:
    """Return the disk space of a file of this size in bytes."""
    return -(-size // _BLOCK) * _BLOCK


class SpoolRoom:
    """Counts what one writer adds, and checks the disk only at first and near the limit.

    Others write and send meanwhile, so the limit may be exceeded by what they write in a second.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._limit = limit_in_bytes()
        self._taken: int | None = None
        self._looked_at = 0.0

    def take(self, size: int) -> None:
        """Count a file of this size in bytes.

        Raises:
            SpoolFullError: There is no space for it.
        """
        if self._taken is None or self._is_too_much(size):
            self._look()
        if self._is_too_much(size):
            megabytes = self._limit // _MEGABYTE
            raise SpoolFullError(
                f"the events that wait take the {megabytes} MB that {LIMIT_VARIABLE} allows"
            )
        self._taken = (self._taken or 0) + on_disk(size)

    def _is_too_much(self, size: int) -> bool:
        return (self._taken or 0) + on_disk(size) > self._limit

    def _look(self) -> None:
        """Check the disk, at most once a second."""
        if self._taken is None or time.monotonic() - self._looked_at > _LOOK_AGAIN_SECONDS:
            self._taken = bytes_in(self._folders)
            self._looked_at = time.monotonic()


def _sizes(folder: Path) -> list[int]:
    sizes = []
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                sizes.append(entry.stat().st_size)
    return sizes


Json = dict[str, Any]

_ABANDONED_AFTER_SECONDS = 3600


class Spool:
    """A folder beside a product's runs, with the events that wait and those that were refused.

    Several processes may write to it. An event exists completely or not at all: a file appears
    under its name only when it is complete. The disk space of the folder is limited.
    `name` is the folder's path below that of the product's state. With `only_read`, nothing is
    created.
    """

    def __init__(
        self, project_dir: Path, name: str = "lineage", *, only_read: bool = False
    ) -> None:
        state = state_place(project_dir) if only_read else state_folder(project_dir)
        self.folder = place_below(state, name)
        self.waiting_folder = place_below(self.folder, "spool")
        self.refused_folder = place_below(self.folder, "refused")
        self._note = self.folder / "last_failure.json"
        self._full = self.folder / "full.json"
        self._sending = self.folder / "sending"
        self._room = SpoolRoom((self.waiting_folder, self.refused_folder))
        self._mutex = threading.Lock()
        self._latest = 0
        self._is_made = False

    def append(self, event: Json, key: str = "") -> Path:
        """Write one event after all others that this process has written; return its file.

        `key` is a part of the file's name by which `has` recognizes the event.

        Raises:
            SpoolFullError: Waiting events use all of the allowed space. They stay; this is dropped.
            OSError: It cannot be written here.
        """
        text = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
        content = text.encode(errors="replace")
        with self._mutex:
            self._make_folders()
            self._make_sure_of_room(len(content))
            path = self.waiting_folder / f"{self._next_name()}{f'-{key}' if key else ''}.json"
            write_whole(path, content)
        return path

    def list_waiting(self) -> list[Path]:
        """Return the files of events that wait, oldest first."""
        return _events_in(self.waiting_folder)

    def list_refused(self) -> list[Path]:
        """Return the files of events that were refused permanently, oldest first."""
        return _events_in(self.refused_folder)

    def has(self, key: str) -> bool:
        """Return whether an event with this key waits or was refused."""
        return any(p.stem.endswith(f"-{key}") for p in (*self.list_waiting(), *self.list_refused()))

    def refuse(self, path: Path, reason: str) -> None:
        """Set a waiting event aside, with the reason."""
        self._make_folders()
        event = read_json(path)
        if event is None:
            event = read_regular(path)
        _write(self.refused_folder / path.name, {"reason": reason, "event": event})
        path.unlink(missing_ok=True)

    def note_failure(self, reason: str, retry_after: float = 0.0) -> None:
        """Record why waiting events could not be sent; "" if they could.

        For `retry_after` seconds, the receiver wants not to be asked.
        """
        self._make_folders()
        if reason:
            until = {"not_before": time.time() + retry_after} if retry_after else {}
            _write(self._note, {"reason": reason, **until})
        else:
            self._note.unlink(missing_ok=True)

    def last_failure(self) -> str:
        """Return why waiting events could not be sent, "" if no reason is known."""
        return _member(self._note, "reason")

    def seconds_to_wait(self) -> float:
        """Return how long the receiver still wants not to be asked, 0.0 for any other failure."""
        noted = read_json(self._note)
        until = noted.get("not_before") if isinstance(noted, dict) else None
        return max(0.0, until - time.time()) if isinstance(until, int | float) else 0.0

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Show other processes, during the block, that an event is being sent."""
        write_whole(self._sending, b"")
        try:
            yield
        finally:
            self._sending.unlink(missing_ok=True)

    def seconds_sending(self) -> float:
        """Return for how many seconds the current event has been being sent, 0.0 if none is."""
        try:
            return time.time() - self._sending.stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def forget_sending(self) -> None:
        """Clear the mark of an event that a killed sender was sending."""
        self._sending.unlink(missing_ok=True)

    def full_since(self) -> str:
        """Return since when events have been dropped for lack of space, "" if none was."""
        return _member(self._full, "since")

    def forget_fullness(self) -> None:
        """Forget that events were dropped."""
        self._full.unlink(missing_ok=True)

    def wait_again(self) -> int:
        """Put refused events back to wait in their old places; return how many there were."""
        self._make_folders()
        count = 0
        for path in self.list_refused():
            aside = read_json(path)
            event = aside.get("event") if isinstance(aside, dict) else None
            if isinstance(event, dict):
                _write(self.waiting_folder / path.name, event)
                path.unlink(missing_ok=True)
                count += 1
        return count

    def remove_abandoned(self) -> None:
        """Remove incomplete files of killed writers."""
        for folder in (self.folder, self.waiting_folder, self.refused_folder):
            for path in folder.glob(".*"):
                with suppress(OSError):
                    if time.time() - path.stat().st_mtime > _ABANDONED_AFTER_SECONDS:
                        path.unlink()

    def _make_sure_of_room(self, size: int) -> None:
        try:
            self._room.take(size)
        except SpoolFullError:
            if not self._full.exists():
                _write(self._full, {"since": _now()})
            raise

    def _make_folders(self) -> None:
        if not self._is_made:
            self.waiting_folder.mkdir(parents=True, exist_ok=True)
            self.refused_folder.mkdir(exist_ok=True)
            self._is_made = True

    def _next_name(self) -> str:
        """Return a name that sorts after every earlier one, even if the clock is set back."""
        self._latest = max(time.time_ns(), self._latest + 1)
        return f"{self._latest:020d}-{os.getpid():08d}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _write(path: Path, content: Json) -> None:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    write_whole(path, text.encode(errors="replace"))


def read_json(path: Path) -> Any:
    """Return the content of a JSON file; None if it is missing or damaged.

    Raises:
        EnvironmentProblemError: It is not a regular file.
    """
    try:
        return json.loads(read_regular(path))
    except (FileNotFoundError, ValueError, RecursionError):
        return None


def _member(path: Path, name: str) -> str:
    """Return a text of a note, "" without the note; for a damaged one, a text saying so."""
    noted = read_json(path)
    if isinstance(noted, dict) and name in noted:
        return str(noted[name])
    return f"{path.name} is damaged" if path.exists() else ""


def _events_in(folder: Path) -> list[Path]:
    """Return the regular files of events in a folder, oldest first."""
    try:
        with os.scandir(folder) as entries:
            names = [
                entry.name
                for entry in entries
                if entry.name.endswith(".json") and entry.is_file(follow_symlinks=False)
            ]
    except FileNotFoundError:
        return []
    return [folder / name for name in sorted(names) if not name.startswith(".")]
