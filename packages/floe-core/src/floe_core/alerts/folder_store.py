"""The store of alerts in a product's state folder: a spool for each target, and files."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock

from floe_core.alerts.alert import Alert
from floe_core.alerts.alert_channel import AlertChannel
from floe_core.alerts.alert_store import (
    Act,
    FlushedTarget,
    RefusedAlert,
    Result,
    Target,
    Waiting,
    folder_of,
)
from floe_core.alerts.notes import FolderNotes
from floe_core.storage.spooling.draining import Drainer, flush_spool
from floe_core.storage.spooling.sending_process import SendingProcess, SendingProgram
from floe_core.storage.spooling.spool import read_json
from floe_core.storage.state_folder import place_below, state_folder

_MODULE = "floe_core.alerts.sender_process"
# The time that a sender may take to start on a busy machine. It ends at once if a receiver refuses
# the connection, and is not waited for if a receiver is slow to respond.
_SECONDS = 10.0
_LOCK_SECONDS = 30.0


class FolderStore:
    """See `AlertStore`. A separate process, which may outlive this one, sends waiting alerts."""

    def __init__(self, project_dir: Path, environment: str) -> None:
        self._project_dir = project_dir
        self._environment = environment

    def change(self, act: Act[Result]) -> Result:
        """See `AlertStore.change`. Spooled alerts wait at once, before any later note."""
        folder = place_below(state_folder(self._project_dir), folder_of(self._environment))
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "report.lock", timeout=_LOCK_SECONDS), ExitStack() as if_it_fails:
            result = act(FolderNotes(folder), partial(self._spool, if_it_fails))
            if_it_fails.pop_all()
            return result

    def send(self, targets: Sequence[Target]) -> None:
        """See `AlertStore.send`."""
        waiting = [t for t in targets if t.spool(self._project_dir).list_waiting()]
        if waiting:
            sender = self._sender(waiting)
            sender.start()
            sender.close(_SECONDS)

    def flush(self, target: Target, deadline: float, *, also_refused: bool) -> FlushedTarget:
        """See `AlertStore.flush`; an alert that is being sent at the end is completed."""
        spool = target.spool(self._project_dir)
        if also_refused:
            spool.wait_again()
        done = flush_spool(spool, Drainer(spool, AlertChannel(target.variable)), deadline)
        return FlushedTarget(target.variable, done.sent, done.refused, done.waiting, done.reason)

    def read_waiting(self, target: Target) -> Waiting:
        """See `AlertStore.read_waiting`."""
        spool = target.spool(self._project_dir, only_read=True)
        return Waiting(
            count=len(spool.list_waiting()),
            refused=tuple(_parse_refused(read_json(path)) for path in spool.list_refused()),
            last_failure=spool.last_failure(),
            full_since=spool.full_since(),
        )

    def _spool(self, if_it_fails: ExitStack, target: Target, alert: Alert) -> None:
        spool = target.spool(self._project_dir)
        if not spool.has(alert.alert_id):
            path = spool.append(alert.to_json(), alert.alert_id)
            if_it_fails.callback(path.unlink, missing_ok=True)

    def _sender(self, targets: Sequence[Target]) -> SendingProcess:
        folder = self._project_dir
        start = {
            "project_dir": str(folder),
            "environment": self._environment,
            "variables": [each.variable for each in targets],
        }
        program = SendingProgram(module=_MODULE, folder=folder, start=start, environment={})
        return SendingProcess([each.spool(folder) for each in targets], program)


def _parse_refused(aside: Any) -> RefusedAlert:
    found = aside if isinstance(aside, dict) else {}
    event = found.get("event")
    title = str(event.get("title", "")) if isinstance(event, dict) else ""
    return RefusedAlert(title, str(found.get("reason", "the file is damaged")))
