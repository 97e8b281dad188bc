"""Track the builds under way, to find killed ones, report them, and complete what they left.

Each has a note below the folder of alerts, and holds the lock beside it. If the lock of a note is
free, the process of its build died.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from floe_core.alerts import report_run, send_waiting
from floe_core.alerts.report import is_switched_off
from floe_core.alerts.run_outcome import RunOutcome
from floe_core.alerts.unreported_ends import find_unreported, open_builds_in
from floe_core.execution.record.journal import read_events
from floe_core.execution.record.outcome import outcome_of_run
from floe_core.execution.reports.dbt_files import write_dbt_files
from floe_core.foundation.errors import FloeError
from floe_core.lineage.backend import is_configured
from floe_core.product_folder.state_folder import state_folder, state_place
from floe_core.runs.build_events import BuildEnded
from floe_core.runs.build_request import BuildRequest
from floe_core.runs.run_parameters import RunParameters
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.storage.atomic_files import write_together
from floe_core.storage.file_locks import hold_if_free
from floe_core.storage.regular_files import read_regular

# How long an orchestrator may take to notice a dead worker, in addition to the retry's delay.
GRACE_SECONDS = 600.0
_GUARD_SECONDS = 30.0
# After the name of a note: how many events of its lineage were written, which is not all.
_WRITTEN = ".written-"

_log = logging.getLogger("floe.alerts")


@dataclass(frozen=True, slots=True)
class _Note:
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


class OpenBuild:
    """The note of one build. It exists from `begin` to `end`, and stays if the build is killed.

    `of_run` is for the note of a whole run, whose builds have their own.
    """

    def __init__(
        self, artifacts: CompiledArtifacts, request: BuildRequest, *, of_run: bool = False
    ) -> None:
        self._artifacts = artifacts
        self._request = request
        self._of_run = of_run
        self._lock: FileLock | None = None
        self._path: Path | None = None

    def begin(self) -> None:
        """Write the note. Alerts never fail a build: a problem is logged as a warning."""
        request = self._request
        if not (self._sends_alerts or self._has_lineage or self._has_files):
            return
        parts = [request.run_id, request.part, "run" if self._of_run else ""]
        if not self._sends_alerts:
            # Lineage has each attempt by itself; builds of other nodes may go on at the same time.
            parts += [str(request.attempt), *(request.node_ids or ())]
        key = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]
        try:
            folder = open_builds_in(state_folder(self._artifacts.folder), self._artifacts)
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{key}.json"
            lock = FileLock(_lock_of(path), timeout=0)
            with _guard(folder):
                lock.acquire()
                self._path, self._lock = path, lock
                _remove_marks(path)
                _write(path, self._note())
        except (OSError, FloeError, Timeout) as error:
            _log.warning("this build is not reported if it is killed: %s", type(error).__name__)

    def end(self) -> None:
        """Remove the note; a second call does nothing."""
        lock, path = self._lock, self._path
        self._lock = self._path = None
        if lock is None or path is None:
            return
        # While its lock is held, no other process takes the note for one of a killed build.
        if _written_of(path) is None:
            path.unlink(missing_ok=True)
            with suppress(OSError, Timeout), _guard(path.parent):
                _lock_of(path).unlink(missing_ok=True)
        lock.release()

    def keep_for_lineage(self, written: int) -> None:
        """Keep the note beyond the end: only some events of its lineage could be written."""
        if self._path is not None:
            with suppress(OSError):
                # A full disk has room for the names of empty files.
                Path(f"{self._path}{_WRITTEN}{written}").touch()

    @property
    def _sends_alerts(self) -> bool:
        has_alerts = bool(self._artifacts.alerts) and not is_switched_off()
        return has_alerts and (self._request.sends_alerts or self._of_run)

    @property
    def _has_lineage(self) -> bool:
        return not self._of_run and is_configured(self._artifacts.lineage, self._artifacts.folder)

    @property
    def _has_files(self) -> bool:
        return not self._of_run and self._artifacts.dbt_files is not None

    def _note(self) -> _Note:
        request = self._request
        has_attempts = self._sends_alerts and not self._of_run
        return _Note(
            job=request.job,
            run_id=request.run_id,
            nominal_time=request.nominal_time.isoformat() if request.nominal_time else "",
            parameters=request.parameters.as_given(),
            retry_after=_retry_after(self._artifacts, request.attempt) if has_attempts else None,
            sends_alerts=self._sends_alerts,
            has_lineage=self._has_lineage,
            attempt=request.attempt,
            part=request.part,
            node_ids=None if request.node_ids is None else [*request.node_ids],
            events_before=len(read_events(self._artifacts.folder, request.run_id)),
            root_run_id=request.root_run_id,
            has_files=self._has_files,
        )


@contextmanager
def reported_if_killed(artifacts: CompiledArtifacts, request: BuildRequest) -> Iterator[None]:
    """Have a run reported as failed if this process is killed in the block, by whoever looks next.

    `request` is that of its first build.
    """
    note = OpenBuild(artifacts, request, of_run=True)
    note.begin()
    try:
        yield
    finally:
        note.end()


def report_outcome(artifacts: CompiledArtifacts, outcome: RunOutcome) -> None:
    """Report the end of a run for alerts, and complete the lineage of its builds if they died."""
    report_run(artifacts, outcome)
    report_killed_builds(artifacts)


def report_killed_builds(artifacts: CompiledArtifacts, *, in_build: bool = False) -> int:
    """Report each build whose process was killed, once; return how many alerts are for.

    Its lineage is completed. For alerts, a build that a retry may follow is reported only when the
    time for the retry has passed. dbt's artifacts are written by the next build, which knows the
    secrets to leave out.
    """
    if artifacts.project_dir is None:
        return 0
    count = 0
    try:
        folder = open_builds_in(state_place(artifacts.folder), artifacts)
        has_reported = _report_unreported(artifacts, folder)
        notes = sorted(folder.glob("*.json"))
        if notes:
            with _guard(folder):
                count = sum(_report_if_killed(artifacts, path, in_build) for path in notes)
        if count or has_reported:
            send_waiting(artifacts)
    except (OSError, FloeError, Timeout) as error:
        _log.warning("builds that were killed cannot be looked for: %s", type(error).__name__)
    return count


def _report_unreported(artifacts: CompiledArtifacts, folder: Path) -> bool:
    """Report the failed runs whose ends could not be reported; return whether there were any."""
    found = [] if is_switched_off() else find_unreported(folder)
    for path, job, run_id in found:
        problem = "its alert could be neither kept nor sent when it failed"
        outcome = outcome_of_run(artifacts, job, run_id, succeeded=False, problem=problem)
        if report_run(artifacts, outcome, sends=False):
            path.unlink(missing_ok=True)
    return bool(found)


def _report_if_killed(artifacts: CompiledArtifacts, path: Path, in_build: bool) -> bool:
    """Report the build of a note; a note that cannot be read does not keep others from it."""
    try:
        return _report_dead(artifacts, path, in_build)
    except (OSError, FloeError) as error:
        _log.warning("a build that was killed may not be reported: %s", error)
        return False


def _report_dead(artifacts: CompiledArtifacts, path: Path, in_build: bool) -> bool:
    now = datetime.now(UTC)
    with hold_if_free(_lock_of(path)) as is_dead:
        found = _read(path) if is_dead else None
        if found is None:
            return False
        written = _written_of(path)
        note = _complete(artifacts, found, written, in_build)
        # With the mark, its process did not die, and has reported its end.
        is_alert = note.sends_alerts and written is None and not is_switched_off()
        if is_alert and not note.is_over(now):
            _write(path, replace(note, found_dead_at=note.found_dead_at or now.isoformat()))
            return False
        if is_alert:
            _report(artifacts, note)
        if note.has_files:
            kept = replace(note, sends_alerts=False)
            if kept != found:
                _write(path, kept)
            return is_alert
        path.unlink(missing_ok=True)
        _remove_marks(path)
        _lock_of(path).unlink(missing_ok=True)
        return is_alert


def _complete(
    artifacts: CompiledArtifacts, note: _Note, written: int | None, in_build: bool
) -> _Note:
    """Complete the lineage and the files of a build; return its note without what is done."""
    if note.has_lineage:
        _complete_lineage(artifacts, note, written)
    # With the mark, its process did not die, and has written the files.
    lacks_files = note.has_files and written is None
    if lacks_files and in_build:
        for message in write_dbt_files(artifacts, note.request(), "canceled"):
            _log.log(logging.WARNING if message.level == "warn" else logging.INFO, message.text)
    return replace(note, has_lineage=False, has_files=lacks_files and not in_build)


def _complete_lineage(artifacts: CompiledArtifacts, note: _Note, written: int | None) -> None:
    from floe_core.lineage.run_recorder import RunLineage

    events = read_events(artifacts.folder, note.run_id)[note.events_before :]
    if note.node_ids is not None:
        # Other builds of the run, of other nodes, have the same journal.
        own = frozenset(note.node_ids)
        events = [each for each in events if getattr(each, "unique_id", "") in own]
    lineage = RunLineage(artifacts, note.request())
    lineage.complete(events, written)
    lineage.close()


def _report(artifacts: CompiledArtifacts, note: _Note) -> None:
    events = read_events(artifacts.folder, note.run_id)
    end = events[-1] if events else None
    request = note.request()
    outcome = outcome_of_run(
        artifacts,
        note.job,
        note.run_id,
        # The build may have been killed after its end but before the report.
        succeeded=isinstance(end, BuildEnded) and end.succeeded,
        problem="the process of the build was killed",
        nominal_time=request.nominal_time,
        parameters=request.parameters,
    )
    report_run(artifacts, outcome, sends=False)


def _guard(folder: Path) -> FileLock:
    """Return the lock to hold while others are made or removed: a removed one locks nothing."""
    return FileLock(folder / "open.lock", timeout=_GUARD_SECONDS)


def _retry_after(artifacts: CompiledArtifacts, attempt: int) -> float | None:
    """Return the delay before the attempt after this one, None if this is the run's last."""
    before = (attempt - 1) % (artifacts.retries + 1)
    if before == artifacts.retries:
        return None
    policy = artifacts.execution
    factor = 2**before if policy.retry_backoff == "exponential" else 1
    return float(policy.retry_delay_seconds * factor)


def _written_of(path: Path) -> int | None:
    """Return how many events of a build's lineage were written if it is incomplete, or None."""
    counts = (mark.name.rpartition(_WRITTEN)[2] for mark in _marks(path))
    return next((int(count) for count in counts if count.isdecimal()), None)


def _remove_marks(path: Path) -> None:
    for mark in _marks(path):
        mark.unlink(missing_ok=True)


def _marks(path: Path) -> list[Path]:
    return [*path.parent.glob(f"{path.name}{_WRITTEN}*")]


def _lock_of(path: Path) -> Path:
    return path.with_suffix(".lock")


def _write(path: Path, note: _Note) -> None:
    write_together(path.parent, {path.name: json.dumps(asdict(note)).encode()})


def _read(path: Path) -> _Note | None:
    """Return the content of a note; None if it is gone or damaged; a damaged one is removed."""
    try:
        note = _Note(**json.loads(read_regular(path)))
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
