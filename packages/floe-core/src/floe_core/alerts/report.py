"""Report the end of a run to all its receivers, once to each, whichever process reports it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress

from filelock import Timeout

from floe_core.alerts.alert import Alert, alert_id, alert_of
from floe_core.alerts.alert_channel import AlertChannel
from floe_core.alerts.alert_store import (
    SpoolAlert,
    Target,
    active_targets,
    keep_unreported,
)
from floe_core.alerts.chosen_store import store_of
from floe_core.alerts.job_memory import DeadlineMemory, JobMemory
from floe_core.alerts.notes import Notes
from floe_core.alerts.run_outcome import OpenFailure, RunOutcome, failure_after, kinds_of
from floe_core.foundation.errors import FloeError
from floe_core.foundation.process_environment import is_true
from floe_core.runs.product_redactor import redactor_of
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

DISABLED_VARIABLE = "FLOE_ALERTS_DISABLED"

_PROBLEMS = (OSError, FloeError, Timeout)

_log = logging.getLogger("floe.alerts")


def report_run(artifacts: CompiledArtifacts, outcome: RunOutcome, *, sends: bool = True) -> bool:
    """Write the alerts for the end of a run to disk; with `sends`, send them and waiting ones.

    Does nothing if the product has no alerts, or `FLOE_ALERTS_DISABLED` is true. An end that was
    reported before is not reported again. If they cannot be written, they are sent at once; return
    whether all were written or sent. Alerts never fail a run: a problem is logged.
    """
    if not artifacts.alerts or artifacts.project_dir is None or is_switched_off():
        return True
    is_told = True
    try:
        store_of(artifacts).change(lambda notes, spool: _note_end(artifacts, outcome, notes, spool))
    except _PROBLEMS as error:
        is_told = _report_without_spool(artifacts, outcome, _shown(artifacts, error))
    try:
        if sends:
            send_waiting(artifacts)
    except _PROBLEMS as error:
        _log.warning("waiting alerts are not sent now: %s", _shown(artifacts, error))
    return is_told


def is_switched_off() -> bool:
    """Return whether `FLOE_ALERTS_DISABLED` is true."""
    return is_true(DISABLED_VARIABLE)


def send_waiting(artifacts: CompiledArtifacts) -> None:
    """Send the waiting alerts, without waiting for a receiver that does not respond."""
    targets = active_targets(artifacts)
    if targets:
        store_of(artifacts).send(targets)


def _report_without_spool(artifacts: CompiledArtifacts, outcome: RunOutcome, why: str) -> bool:
    """Send the alerts for the end of a run at once, since they cannot be written.

    Return whether all were sent. If not, a failure is kept for the next run.
    """
    was_sent: dict[tuple[str, str], bool] = {}

    def send(target: Target, alert: Alert) -> None:
        key = target.variable, alert.alert_id
        if key not in was_sent:
            was_sent[key] = _send_at_once(target, alert, why)

    def act(notes: Notes, _: SpoolAlert) -> None:
        _note_end(artifacts, outcome, notes, send, lambda: all(was_sent.values()))

    with suppress(*_PROBLEMS):
        # A full disk still has room for the names of empty files, which is all that some notes are.
        store_of(artifacts).change(act)
    if not was_sent and not outcome.succeeded:
        _spool_alerts(artifacts, outcome, None, send)
    is_told = all(was_sent.values())
    if not is_told and not outcome.succeeded:
        keep_unreported(artifacts, outcome)
    return is_told


def _send_at_once(target: Target, alert: Alert, why: str) -> bool:
    unsent = AlertChannel(target.variable).try_once(alert)
    if unsent is None:
        _log.warning("%r was sent without being kept: %s", alert.title, why)
    else:
        what = "%r is neither kept nor sent: %s; %s: %s"
        _log.error(what, alert.title, why, target.variable, unsent.reason)
    return unsent is None


def _shown(artifacts: CompiledArtifacts, error: Exception) -> str:
    return redactor_of(artifacts).text(f"{type(error).__name__}: {error}")


def _note_end(
    artifacts: CompiledArtifacts,
    outcome: RunOutcome,
    notes: Notes,
    spool: SpoolAlert,
    is_told: Callable[[], bool] = lambda: True,
) -> None:
    """Spool the alerts for the end of a run; note it, if `is_told` afterwards, as reported."""
    how = "success" if outcome.succeeded else "failure"
    end = alert_id(artifacts.product.name, outcome.job, outcome.run_id, f"end: {how}")
    memory = JobMemory(notes)
    if memory.was_reported(end):
        return
    before = memory.open_failure(outcome.job)
    _spool_alerts(artifacts, outcome, before, spool)
    # In this order: if the process is killed here, the end is reported again rather than
    # never.
    DeadlineMemory(notes).note_run(artifacts, outcome)
    if is_told():
        memory.note_failure(outcome.job, failure_after(outcome, before))
        memory.note_reported(end)


def _spool_alerts(
    artifacts: CompiledArtifacts, outcome: RunOutcome, before: OpenFailure | None, spool: SpoolAlert
) -> None:
    targets, redactor = active_targets(artifacts), redactor_of(artifacts)
    for kind in kinds_of(outcome, before):
        alert = alert_of(artifacts, outcome, kind, redactor)
        for target in targets:
            if target.wants(kind, outcome.job):
                spool(target, alert)
