"""Track the builds under way that report their own end, to find and report killed ones.

Each has a note below the folder of the product's alerts, and holds the lock beside it. If the lock
of a note is free, the process of its build died.
"""

from __future__ import annotations

import hashlib
import json
import logging
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from floe_core.alerts import report_run, send_waiting
from floe_core.alerts.report import alerts_folder, is_switched_off
from floe_core.atomic_files import write_together
from floe_core.build_events import BuildEnded
from floe_core.build_request import BuildRequest
from floe_core.errors import FloeError
from floe_core.execution.record.journal import read_events
from floe_core.execution.record.outcome import outcome_of_run
from floe_core.file_locks import hold_if_free
from floe_core.run_parameters import RunParameters
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

# How long an orchestrator may take to notice a dead worker, in addition to the retry's delay.
GRACE_SECONDS = 600.0
_GUARD_SECONDS = 30.0

_log = logging.getLogger("floe.alerts")


@dataclass(frozen=True, slots=True)
class _Note:
    """A build that started. `retry_after` is the delay before a possible next attempt, in seconds.

    None: no attempt follows. `found_dead_at` is when it was first found dead, "" before.
    """

    job: str
    run_id: str
    nominal_time: str
    parameters: dict[str, Any]
    retry_after: float | None
    found_dead_at: str = ""

    def is_over(self, now: datetime) -> bool:
        """Return whether no further attempt of the run is expected."""
        if self.retry_after is None:
            return True
        if not self.found_dead_at:
            return False
        wait = timedelta(seconds=self.retry_after + GRACE_SECONDS)
        return now >= datetime.fromisoformat(self.found_dead_at) + wait


class OpenBuild:
    """The note of one build. It exists from `begin` to `end`, and stays if the build is killed."""

    def __init__(self, artifacts: CompiledArtifacts, request: BuildRequest) -> None:
        self._artifacts = artifacts
        self._request = request
        self._lock: FileLock | None = None
        self._path: Path | None = None

    def begin(self) -> None:
        """Write the note. Alerts never fail a build: a problem is logged as a warning."""
        request = self._request
        key = hashlib.sha256(f"{request.run_id}\0{request.part}".encode()).hexdigest()[:24]
        try:
            folder = _folder(self._artifacts)
            folder.mkdir(exist_ok=True)
            path = folder / f"{key}.json"
            lock = FileLock(_lock_of(path), timeout=0)
            with _guard(folder):
                lock.acquire()
                self._path, self._lock = path, lock
                _write(path, _note_of(self._artifacts, request))
        except (OSError, FloeError, Timeout) as error:
            _log.warning("this build is not reported if it is killed: %s", type(error).__name__)

    def end(self) -> None:
        """Remove the note; a second call does nothing."""
        lock, path = self._lock, self._path
        self._lock = self._path = None
        if lock is None or path is None:
            return
        # While its lock is held, no other process takes the note for one of a killed build.
        path.unlink(missing_ok=True)
        with suppress(OSError, Timeout), _guard(path.parent):
            _lock_of(path).unlink(missing_ok=True)
        lock.release()


def report_killed_builds(artifacts: CompiledArtifacts) -> int:
    """Report the end of each build whose process was killed, once; return how many there were.

    A build that a retry may follow is reported only when the time for the retry has passed.
    """
    if not artifacts.alerts or artifacts.project_dir is None or is_switched_off():
        return 0
    count = 0
    try:
        folder = _folder(artifacts)
        notes = sorted(folder.glob("*.json"))
        if notes:
            with _guard(folder):
                count = sum(_report_if_killed(artifacts, path) for path in notes)
        if count:
            send_waiting(artifacts)
    except (OSError, FloeError, Timeout) as error:
        _log.warning("builds that were killed cannot be looked for: %s", type(error).__name__)
    return count


def _report_if_killed(artifacts: CompiledArtifacts, path: Path) -> bool:
    now = datetime.now(UTC)
    with hold_if_free(_lock_of(path)) as is_dead:
        note = _read(path) if is_dead else None
        if note is None:
            return False
        if not note.is_over(now):
            if not note.found_dead_at:
                _write(path, replace(note, found_dead_at=now.isoformat()))
            return False
        _report(artifacts, note)
        path.unlink(missing_ok=True)
        _lock_of(path).unlink(missing_ok=True)
        return True


def _report(artifacts: CompiledArtifacts, note: _Note) -> None:
    events = read_events(artifacts.folder, note.run_id)
    end = events[-1] if events else None
    outcome = outcome_of_run(
        artifacts,
        note.job,
        note.run_id,
        # The build may have been killed after its end but before the report.
        succeeded=isinstance(end, BuildEnded) and end.succeeded,
        problem="the process of the build was killed",
        nominal_time=datetime.fromisoformat(note.nominal_time) if note.nominal_time else None,
        parameters=RunParameters.given(note.parameters),
    )
    report_run(artifacts, outcome, sends=False)


def _guard(folder: Path) -> FileLock:
    """Return the lock to hold while others are made or removed: a removed one locks nothing."""
    return FileLock(folder / "open.lock", timeout=_GUARD_SECONDS)


def _note_of(artifacts: CompiledArtifacts, request: BuildRequest) -> _Note:
    return _Note(
        job=request.job,
        run_id=request.run_id,
        nominal_time=request.nominal_time.isoformat() if request.nominal_time else "",
        parameters=request.parameters.as_given(),
        retry_after=_retry_after(artifacts, request.attempt),
    )


def _retry_after(artifacts: CompiledArtifacts, attempt: int) -> float | None:
    """Return the delay before the attempt after this one, None if this is the run's last."""
    before = (attempt - 1) % (artifacts.retries + 1)
    if before == artifacts.retries:
        return None
    policy = artifacts.execution
    factor = 2**before if policy.retry_backoff == "exponential" else 1
    return float(policy.retry_delay_seconds * factor)


def _folder(artifacts: CompiledArtifacts) -> Path:
    return alerts_folder(artifacts) / "open"


def _lock_of(path: Path) -> Path:
    return path.with_suffix(".lock")


def _write(path: Path, note: _Note) -> None:
    write_together(path.parent, {path.name: json.dumps(asdict(note)).encode()})


def _read(path: Path) -> _Note | None:
    """Return the content of a note; None if it is gone or damaged; a damaged one is removed."""
    try:
        note = _Note(**json.loads(path.read_text("utf-8")))
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
