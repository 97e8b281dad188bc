"""Report the end of a run to all who are to know it: each once, whoever reports it."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from floe_core.alerts.alert import Alert, alert_id, alert_of
from floe_core.alerts.deadline_memory import DeadlineMemory
from floe_core.alerts.events_of_run import failure_after, kinds_of
from floe_core.alerts.job_memory import JobMemory
from floe_core.alerts.run_outcome import RunOutcome
from floe_core.alerts.target import FOLDER, Target, targets_of
from floe_core.errors import FloeError
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.secrets.known_values import known_secrets
from floe_core.secrets.redactor import Redactor
from floe_core.spooling.sending_process import SendingProcess, SendingProgram
from floe_core.state_folder import state_folder

DISABLED_VARIABLE = "FLOE_ALERTS_DISABLED"
_MODULE = "floe_core.alerts.sender_process"
# As long as a sender may take to start on a busy machine. It ends at once when a receiver refuses
# the connection, and is not waited for when one is slow to answer.
_SECONDS = 10.0
_LOCK_SECONDS = 30.0

_log = logging.getLogger("floe.alerts")


def report_run(artifacts: CompiledArtifacts, outcome: RunOutcome) -> None:
    """Write the alerts for the end of a run to disk, and send them with what waits.

    Does nothing where the product has no alerts, or `FLOE_ALERTS_DISABLED` is true. An end that was
    reported before is not reported again. Alerts do not fail a run: what goes wrong here is a
    warning in the log.
    """
    if not artifacts.alerts or artifacts.project_dir is None or is_switched_off():
        return
    try:
        _write(artifacts, outcome)
        send_waiting(artifacts)
    except (OSError, FloeError, Timeout) as error:
        reason = Redactor(known_secrets().values()).text(f"{type(error).__name__}: {error}")
        _log.warning("no alert of this run: %s", reason)


def is_switched_off() -> bool:
    """Return whether `FLOE_ALERTS_DISABLED` is true."""
    return os.environ.get(DISABLED_VARIABLE, "").strip().lower() == "true"


def send_waiting(artifacts: CompiledArtifacts) -> None:
    """Send the alerts that wait, without waiting for a receiver that does not answer."""
    project_dir = artifacts.folder
    targets = targets_of(artifacts)
    waiting = [t for t in targets if not t.is_off and t.spool(project_dir).waiting()]
    if waiting:
        sender = alert_sender(project_dir, waiting)
        sender.start()
        sender.close(_SECONDS)


def alert_sender(project_dir: Path, targets: Sequence[Target]) -> SendingProcess:
    """Return a process that sends what waits for targets."""
    start = {"project_dir": str(project_dir), "variables": [each.variable for each in targets]}
    program = SendingProgram(module=_MODULE, folder=project_dir, start=start, environment={})
    return SendingProcess([each.spool(project_dir) for each in targets], program)


def redactor_of(artifacts: CompiledArtifacts) -> Redactor:
    """Return what takes secrets out of alerts, the URLs of targets among them."""
    urls = [os.environ.get(each.variable, "") for each in targets_of(artifacts)]
    return Redactor([*known_secrets(artifacts.dbt.profile).values(), *urls])


def spool_alert(artifacts: CompiledArtifacts, alert: Alert, targets: Sequence[Target]) -> None:
    """Write an alert to the spools of targets that do not have it yet."""
    for target in targets:
        spool = target.spool(artifacts.folder)
        if not (target.is_off or spool.has(alert.alert_id)):
            spool.append(alert.to_json(), alert.alert_id)


def alerts_folder(artifacts: CompiledArtifacts) -> Path:
    """Return the folder of a product's alerts, made when it is missing."""
    folder = state_folder(artifacts.folder) / FOLDER
    folder.mkdir(exist_ok=True)
    return folder


def report_lock(folder: Path) -> FileLock:
    """Return the lock that whoever reports for a product holds."""
    return FileLock(folder / "report.lock", timeout=_LOCK_SECONDS)


def _write(artifacts: CompiledArtifacts, outcome: RunOutcome) -> None:
    folder = alerts_folder(artifacts)
    how = "success" if outcome.succeeded else "failure"
    end = alert_id(artifacts.product.name, outcome.job, outcome.run_id, f"end: {how}")
    with report_lock(folder):
        memory = JobMemory(folder)
        if memory.was_told(end):
            return
        before = memory.open_failure(outcome.job)
        targets, redactor = targets_of(artifacts), redactor_of(artifacts)
        for kind in kinds_of(outcome, before):
            wanting = [each for each in targets if each.wants(kind, outcome.job)]
            spool_alert(artifacts, alert_of(artifacts, outcome, kind, redactor), wanting)
        # In this order: a process that is killed here leaves an end that is reported again, and
        # no end that never is.
        DeadlineMemory(folder).note_run(artifacts, outcome)
        memory.note_failure(outcome.job, failure_after(outcome, before))
        memory.note_told(end)
