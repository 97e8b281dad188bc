"""Find builds that were killed, by their notes; report them, and complete what they left."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from filelock import Timeout

from floe_core.alerts import report_run, send_waiting
from floe_core.alerts.alert_store import find_unreported, open_builds_in
from floe_core.alerts.report import is_switched_off
from floe_core.alerts.run_outcome import RunOutcome
from floe_core.execution.record.journal import read_events
from floe_core.execution.record.outcome import outcome_of_build, outcome_of_run
from floe_core.execution.reports.build_note import (
    BuildNote,
    guard,
    lock_of,
    read_note,
    remove_marks,
    write_note,
    written_of,
)
from floe_core.foundation.errors import FloeError
from floe_core.runs.build_events import BuildEnded
from floe_core.runs.dbt_files import write_dbt_files
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.storage.files import hold_if_free
from floe_core.storage.state_folder import state_place

_log = logging.getLogger("floe.alerts")


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
            with guard(folder):
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
    with hold_if_free(lock_of(path)) as is_dead:
        found = read_note(path) if is_dead else None
        if found is None:
            return False
        written = written_of(path)
        note = _complete(artifacts, found, written, in_build)
        # With the mark, its process did not die, and has reported its end.
        is_alert = note.sends_alerts and written is None and not is_switched_off()
        if is_alert and not note.is_over(now):
            write_note(path, replace(note, found_dead_at=note.found_dead_at or now.isoformat()))
            return False
        if is_alert:
            _report(artifacts, note)
        if note.has_files:
            kept = replace(note, sends_alerts=False)
            if kept != found:
                write_note(path, kept)
            return is_alert
        path.unlink(missing_ok=True)
        remove_marks(path)
        lock_of(path).unlink(missing_ok=True)
        return is_alert


def _complete(
    artifacts: CompiledArtifacts, note: BuildNote, written: int | None, in_build: bool
) -> BuildNote:
    """Complete the lineage and the files of a build; return its note without what is done."""
    if note.has_lineage:
        _complete_lineage(artifacts, note, written)
    # With the mark, its process did not die, and has written the files.
    lacks_files = note.has_files and written is None
    if lacks_files and in_build:
        for message in write_dbt_files(artifacts, note.request(), "canceled"):
            _log.log(logging.WARNING if message.level == "warn" else logging.INFO, message.text)
    return replace(note, has_lineage=False, has_files=lacks_files and not in_build)


def _complete_lineage(artifacts: CompiledArtifacts, note: BuildNote, written: int | None) -> None:
    from floe_core.lineage.run_recorder import RunLineage

    events = read_events(artifacts.folder, note.run_id)[note.events_before :]
    if note.node_ids is not None:
        # Other builds of the run, of other nodes, have the same journal.
        own = frozenset(note.node_ids)
        events = [each for each in events if getattr(each, "unique_id", "") in own]
    lineage = RunLineage(artifacts, note.request())
    lineage.complete(events, written)
    lineage.close()


def _report(artifacts: CompiledArtifacts, note: BuildNote) -> None:
    events = read_events(artifacts.folder, note.run_id)
    last = events[-1] if events else None
    # The build may have been killed after its end but before the report.
    has_succeeded = isinstance(last, BuildEnded) and last.succeeded
    end = BuildEnded(has_succeeded, "the process of the build was killed")
    outcome = outcome_of_build(artifacts, note.request(), end, events)
    report_run(artifacts, outcome, sends=False)
