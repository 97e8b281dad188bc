"""What has become of a product's alerts: what waits, what was refused, and another try."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from floe_core.alerts.alert import Alert, alert_id
from floe_core.alerts.alert_channel import AlertChannel
from floe_core.alerts.report import spool_alert
from floe_core.alerts.target import Target, targets_of
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.spooling.draining import Drainer
from floe_core.spooling.flushing import flush_spool
from floe_core.spooling.spool import Spool, read_json


@dataclass(frozen=True, slots=True)
class RefusedAlert:
    """An alert that a receiver will not have, and why."""

    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """What lies in a target's spool, which is named after the variable that holds its URL.

    `kinds` are what it is told of; `last_failure` says why what waits could not be sent.
    """

    target: str
    kinds: tuple[str, ...]
    is_off: bool
    is_unset: bool
    waiting: int
    refused: tuple[RefusedAlert, ...]
    last_failure: str
    full_since: str


@dataclass(frozen=True, slots=True)
class AlertStatus:
    """What lies in the spools of a product's targets."""

    targets: tuple[TargetStatus, ...]

    @property
    def waiting(self) -> int:
        """How many alerts wait, each counted for each target that it waits for."""
        return sum(each.waiting for each in self.targets)


@dataclass(frozen=True, slots=True)
class FlushedTarget:
    """What a flush did for one target. `reason` says why alerts still wait, "" when none does."""

    target: str
    sent: int
    refused: int
    waiting: int
    reason: str


def status(artifacts: CompiledArtifacts) -> AlertStatus:
    """Return what waits for each target, and what each refused."""
    found = [_status(t, t.spool(artifacts.folder)) for t in targets_of(artifacts)]
    return AlertStatus(tuple(found))


def flush(
    artifacts: CompiledArtifacts, timeout: float, *, also_refused: bool = False
) -> tuple[FlushedTarget, ...]:
    """Send what waits, trying for `timeout` seconds in all; one that is being sent is heard out.

    Each target has an equal share of the time that is left, so that a dead one leaves some to those
    after it. With `also_refused`, what was refused is sent once more, too.
    """
    targets = [each for each in targets_of(artifacts) if not each.is_off]
    end = time.monotonic() + timeout
    done = []
    for index, target in enumerate(targets):
        share = max(0.1, (end - time.monotonic()) / (len(targets) - index))
        done.append(_flush(target, artifacts, time.monotonic() + share, also_refused))
    return tuple(done)


def send_test(artifacts: CompiledArtifacts, timeout: float) -> tuple[FlushedTarget, ...]:
    """Send one alert that says it is a test to each target, with what waits there."""
    name = artifacts.product.name
    alert = Alert(
        alert_id=alert_id(name, "", str(time.time_ns()), "test"),
        kind="warning",
        title=f"{name}: a test of its alerts",
        body="Sent by `floe alerts test`. No run has failed.",
    )
    spool_alert(artifacts, alert, targets_of(artifacts))
    return flush(artifacts, timeout)


def _flush(
    target: Target, artifacts: CompiledArtifacts, deadline: float, also_refused: bool
) -> FlushedTarget:
    spool = target.spool(artifacts.folder)
    if also_refused:
        spool.wait_again()
    done = flush_spool(spool, Drainer(spool, AlertChannel(target.variable)), deadline)
    return FlushedTarget(target.variable, done.sent, done.refused, done.waiting, done.reason)


def _status(target: Target, spool: Spool) -> TargetStatus:
    return TargetStatus(
        target=target.variable,
        kinds=tuple(sorted({kind for rule in target.rules for kind in rule.on})),
        is_off=target.is_off,
        is_unset=target.is_unset,
        waiting=len(spool.waiting()),
        refused=tuple(_refused(read_json(path)) for path in spool.refused()),
        last_failure=spool.last_failure(),
        full_since=spool.full_since(),
    )


def _refused(aside: Any) -> RefusedAlert:
    found = aside if isinstance(aside, dict) else {}
    event = found.get("event")
    title = str(event.get("title", "")) if isinstance(event, dict) else ""
    return RefusedAlert(title, str(found.get("reason", "the file is damaged")))
