"""Send the entries that wait in a spool, in order, with one drainer at a time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from filelock import FileLock, Timeout

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.storage.files import read_regular, write_whole
from floe_core.storage.spooling.spool import Json, Spool, read_json

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


@dataclass(frozen=True, slots=True)
class Unsent:
    """Why an entry was not sent, without secrets.

    "failed" may be the entry's own fault; "unreachable" is not: no receiver has seen it.
    `retry_after` is how many seconds the receiver wants not to be asked.
    """

    outcome: Literal["refused", "failed", "unreachable"]
    reason: str
    retry_after: float = 0.0


class Channel(Protocol):
    """Sends a spool's entries to a receiver."""

    def prepare(self, entry: Json) -> Any:
        """Return an entry in the form for `send`, None if it holds nothing to send."""

    def send(self, prepared: Any) -> None:
        """Send the entry; any exception means that it was not sent."""

    def explain(self, error: Exception) -> Unsent:
        """Return what an error of `send` means for the entry."""


def try_to_send(
    channel: Channel,
    entry: Any,
    sending: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Unsent | None:
    """Send an entry; return why it was not sent, None if it was.

    `sending` is entered while the receiver is waited for.
    """
    prepared = channel.prepare(entry) if isinstance(entry, dict) else None
    if prepared is None:
        return Unsent("refused", "the file holds no event")
    # The one place that may catch everything: whatever a channel raises, the entry is kept.
    try:
        with sending():
            channel.send(prepared)
    except Exception as error:  # noqa: BLE001
        return channel.explain(error)
    return None


@dataclass(frozen=True, slots=True)
class Drained:
    """How far draining got. `reason` says why it stopped early, "" if nothing waits any more.

    `is_others_work` means that another process holds the spool.
    """

    sent: int = 0
    refused: int = 0
    reason: str = ""
    is_others_work: bool = False


@dataclass(slots=True)
class _Pass:
    """One pass over the waiting events. `failing` are the events left behind, with the reasons."""

    sent: int = 0
    refused: int = 0
    failing: dict[Path, str] = field(default_factory=dict)
    reason: str = ""
    retry_after: float = 0.0

    def without_failing(self, waiting: list[Path]) -> list[Path]:
        return [path for path in waiting if path not in self.failing]

    def conclude(self, reason: str) -> Drained:
        return Drained(self.sent, self.refused, reason)


class Drainer:
    """Sends the events of a spool through one channel."""

    def __init__(self, spool: Spool, channel: Channel) -> None:
        self._spool = spool
        self._channel = channel
        self._attempts = FailedAttempts(spool.folder)

    def drain(self, should_stop: Callable[[], bool]) -> Drained:
        """Send events until none waits, the receiver fails, or it should stop.

        Stops only between two events: the one that is being sent is completed.
        """
        if not self._spool.list_waiting():
            return Drained()
        try:
            with FileLock(self._spool.folder / "drain.lock", timeout=0):
                return self._drain(should_stop)
        except Timeout:
            return Drained(reason="another process is sending these events", is_others_work=True)

    def _drain(self, should_stop: Callable[[], bool]) -> Drained:
        self._spool.remove_abandoned()
        if self._spool.seconds_to_wait() > 0:
            return Drained(reason=self._spool.last_failure())
        self._attempts = FailedAttempts(self._spool.folder)
        progress = _Pass()
        while batch := progress.without_failing(self._spool.list_waiting()):
            for path in batch:
                if should_stop():
                    return progress.conclude("stopped before the end")
                if progress.failing and self._attempts.of(path) >= ATTEMPTS:
                    progress.failing[path] = progress.reason
                elif not self._go_on_after(path, progress):
                    self._spool.note_failure(progress.reason, progress.retry_after)
                    return progress.conclude(progress.reason)
        if progress.failing:
            self._set_aside_what_waits_alone(progress)
        self._spool.note_failure("" if not progress.failing else progress.reason)
        return progress.conclude(progress.reason if progress.failing else "")

    def _go_on_after(self, path: Path, progress: _Pass) -> bool:
        """Send an event; return whether to go on with those behind it now."""
        unsent = try_to_send(self._channel, read_json(path), self._spool.sending)
        if unsent is None:
            path.unlink(missing_ok=True)
            progress.sent += 1
            # The backend is healthy, so it can't accept these events.
            self._set_aside(progress)
            return True
        if unsent.outcome == "refused":
            self._spool.refuse(path, unsent.reason)
            progress.refused += 1
            return True
        progress.failing[path] = progress.reason = unsent.reason
        progress.retry_after = unsent.retry_after
        if unsent.outcome == "unreachable" or unsent.retry_after:
            return False
        self._attempts.note(path, self._spool.list_waiting())
        return self._attempts.of(path) >= ATTEMPTS

    def _set_aside(self, progress: _Pass) -> None:
        for path, reason in progress.failing.items():
            attempts = f"{self._attempts.of(path)} attempts failed"
            self._spool.refuse(path, f"{attempts}, the last with {reason}")
            progress.refused += 1
        progress.failing.clear()

    def _set_aside_what_waits_alone(self, progress: _Pass) -> None:
        if len(progress.failing) == 1:
            (path,) = progress.failing
            if self._attempts.of(path) >= ATTEMPTS_ALONE:
                self._set_aside(progress)


_BETWEEN_TRIES_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Flushed:
    """What a flush did. `reason` says why events still wait, "" if none does.

    `full_since` is when an event was first dropped for lack of space, "" if none was; a flush that
    leaves nothing waiting clears it.
    """

    sent: int
    refused: int
    waiting: int
    reason: str = ""
    full_since: str = ""


def flush_spool(spool: Spool, drainer: Drainer, deadline: float) -> Flushed:
    """Send waiting events until a time of the monotonic clock.

    An event that is being sent then is completed.
    """
    sent = refused = 0
    while True:
        drained = drainer.drain(lambda: time.monotonic() >= deadline)
        sent, refused = sent + drained.sent, refused + drained.refused
        if not drained.reason or time.monotonic() + _BETWEEN_TRIES_SECONDS >= deadline:
            full_since = spool.full_since()
            if not drained.reason:
                spool.forget_fullness()
            return Flushed(sent, refused, len(spool.list_waiting()), drained.reason, full_since)
        time.sleep(_BETWEEN_TRIES_SECONDS)
