"""The note of a build under way, a file below the folder of alerts, with a lock beside it.

If the lock of a note is free, the process of its build died.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from filelock import FileLock

from floe_core.runs.build_request import BuildRequest
from floe_core.runs.run_parameters import RunParameters
from floe_core.storage.files import read_regular, write_together

# How long an orchestrator may take to notice a dead worker, in addition to the retry's delay.
GRACE_SECONDS = 600.0
_GUARD_SECONDS = 30.0
# After the name of a note: how many events of its lineage were written, which is not all.
_WRITTEN = ".written-"


@dataclass(frozen=True, slots=True)
class BuildNote:
    """A build that started. `retry_after` is the delay before a possible next attempt, in seconds.

    None: no attempt follows. `found_dead_at` is when it was first found dead, "" before.
    `node_ids` are those of the build, None for all of its job. `events_before` is how many events
    the journal of its run had before. `has_lineage` is whether lineage has a START of it, and
    `has_files` whether dbt's artifacts of the run are wanted.
    """

    job: str
    run_id: str
    nominal_time: str
    parameters: dict[str, Any]
    retry_after: float | None
    found_dead_at: str = ""
    sends_alerts: bool = True
    has_lineage: bool = False
    attempt: int = 1
    part: str = ""
    node_ids: list[str] | None = None
    events_before: int = 0
    root_run_id: str = ""
    has_files: bool = False

    def is_over(self, now: datetime) -> bool:
        """Return whether no further attempt of the run is expected."""
        if self.retry_after is None or not self.sends_alerts:
            return True
        if not self.found_dead_at:
            return False
        wait = timedelta(seconds=self.retry_after + GRACE_SECONDS)
        return now >= datetime.fromisoformat(self.found_dead_at) + wait

    def request(self) -> BuildRequest:
        """Return the request of the build, as far as its lineage and files depend on it."""
        return BuildRequest(
            job=self.job,
            run_id=self.run_id,
            attempt=self.attempt,
            nominal_time=datetime.fromisoformat(self.nominal_time) if self.nominal_time else None,
            parameters=RunParameters.given(self.parameters),
            part=self.part,
            root_run_id=self.root_run_id,
        )


def guard(folder: Path) -> FileLock:
    """Return the lock to hold while others are made or removed: a removed one locks nothing."""
    return FileLock(folder / "open.lock", timeout=_GUARD_SECONDS)


def mark_written(path: Path, written: int) -> None:
    """Record how many events of a build's lineage were written, which is not all."""
    with suppress(OSError):
        # A full disk has room for the names of empty files.
        Path(f"{path}{_WRITTEN}{written}").touch()


def written_of(path: Path) -> int | None:
    """Return how many events of a build's lineage were written if it is incomplete, or None."""
    counts = (mark.name.rpartition(_WRITTEN)[2] for mark in _marks(path))
    return next((int(count) for count in counts if count.isdecimal()), None)


def remove_marks(path: Path) -> None:
    """Forget how many events were written."""
    for mark in _marks(path):
        mark.unlink(missing_ok=True)


def _marks(path: Path) -> list[Path]:
    return [*path.parent.glob(f"{path.name}{_WRITTEN}*")]


def lock_of(path: Path) -> Path:
    """Return the lock that the process of a build holds as long as it lives."""
    return path.with_suffix(".lock")


def write_note(path: Path, note: BuildNote) -> None:
    """Write a note as a whole."""
    write_together(path.parent, {path.name: json.dumps(asdict(note)).encode()})


def read_note(path: Path) -> BuildNote | None:
    """Return the content of a note; None if it is gone or damaged; a damaged one is removed."""
    try:
        note = BuildNote(**json.loads(read_regular(path)))
        RunParameters.given(note.parameters)
        for moment in filter(None, (note.nominal_time, note.found_dead_at)):
            datetime.fromisoformat(moment)
        return note
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, AttributeError):
        with suppress(FileNotFoundError):
            path.unlink()
        return None
