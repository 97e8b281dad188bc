"""A build under way: it reports its own end, and leaves a note in case it is killed."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from floe_core.alerts import report_run
from floe_core.alerts.alert_store import open_builds_in
from floe_core.alerts.report import is_switched_off
from floe_core.execution.record.attempt import may_retry
from floe_core.execution.record.journal import RunRecord, read_events, readable_events
from floe_core.execution.record.outcome import outcome_of_build
from floe_core.execution.reports.build_note import (
    BuildNote,
    guard,
    lock_of,
    mark_written,
    remove_marks,
    write_note,
    written_of,
)
from floe_core.foundation.errors import FloeError
from floe_core.lineage.backend import is_configured
from floe_core.runs.build_events import BuildEnded
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.storage.state_folder import state_folder

_log = logging.getLogger("floe.alerts")


class OpenBuild:
    """A build from `begin` to `end`; its note stays if it is killed between them.

    The end of an attempt that will be retried is not reported for alerts. `wanted` are the nodes
    that the build is for, once they are known. `of_run` is for the note of a whole run, whose
    builds have their own.
    """

    def __init__(
        self, artifacts: CompiledArtifacts, request: BuildRequest, *, of_run: bool = False
    ) -> None:
        self._artifacts = artifacts
        self._request = request
        self._of_run = of_run
        self._lock: FileLock | None = None
        self._path: Path | None = None
        self._end: BuildEnded | None = None
        self._is_final = False
        self.wanted: Collection[str] = ()

    def begin(self) -> None:
        """Write the note. Alerts never fail a build: a problem is logged as a warning."""
        request = self._request
        if self._artifacts.project_dir is None:
            return
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
            lock = FileLock(lock_of(path), timeout=0)
            with guard(folder):
                lock.acquire()
                self._path, self._lock = path, lock
                remove_marks(path)
                write_note(path, self._note())
        except (OSError, FloeError, Timeout) as error:
            _log.warning("this build is not reported if it is killed: %s", type(error).__name__)

    def keep_end(self, end: BuildEnded, *, is_final: bool) -> None:
        """Keep the end of the build; a final one is not retried, whatever is left to do."""
        self._end, self._is_final = end, is_final

    def end(self) -> None:
        """Report the end that was kept, and remove the note; a second call does nothing.

        Called once the build has released everything.
        """
        artifacts, wanted = self._artifacts, self.wanted
        request = self._request
        end, self._end = self._end, None
        if end is not None and self._sends_alerts:
            is_last = self._is_final or _retry_after(artifacts, request.attempt) is None
            events = readable_events(artifacts.folder, [request.run_id])
            if is_last or (wanted and not may_retry(artifacts, wanted, RunRecord.of(events))):
                outcome = outcome_of_build(artifacts, request, end, events)
                report_run(artifacts, outcome)
        self._remove_note()

    def keep_for_lineage(self, written: int) -> None:
        """Keep the note beyond the end: only some events of its lineage could be written."""
        if self._path is not None:
            mark_written(self._path, written)

    def _remove_note(self) -> None:
        lock, path = self._lock, self._path
        self._lock = self._path = None
        if lock is None or path is None:
            return
        # While its lock is held, no other process takes the note for one of a killed build.
        if written_of(path) is None:
            path.unlink(missing_ok=True)
            with suppress(OSError, Timeout), guard(path.parent):
                lock_of(path).unlink(missing_ok=True)
        lock.release()

    @property
    def _sends_alerts(self) -> bool:
        has_folder = self._artifacts.project_dir is not None
        has_alerts = bool(self._artifacts.alerts) and has_folder and not is_switched_off()
        return has_alerts and (self._request.sends_alerts or self._of_run)

    @property
    def _has_lineage(self) -> bool:
        return not self._of_run and is_configured(self._artifacts.lineage, self._artifacts.folder)

    @property
    def _has_files(self) -> bool:
        return not self._of_run and self._artifacts.dbt_files is not None

    def _note(self) -> BuildNote:
        request = self._request
        has_attempts = self._sends_alerts and not self._of_run
        return BuildNote(
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


def _retry_after(artifacts: CompiledArtifacts, attempt: int) -> float | None:
    """Return the delay before the attempt after this one, None if this is the run's last."""
    before = (attempt - 1) % (artifacts.retries + 1)
    if before == artifacts.retries:
        return None
    policy = artifacts.execution
    factor = 2**before if policy.retry_backoff == "exponential" else 1
    return float(policy.retry_delay_seconds * factor)
