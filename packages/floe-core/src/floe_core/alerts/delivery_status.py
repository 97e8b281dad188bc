"""The delivery status of a product's alerts: waiting, refused, and how to retry them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from floe_core.alerts.alert import Alert, alert_id
from floe_core.alerts.alert_channel import AlertChannel
from floe_core.alerts.alert_store import (
    AlertStore,
    FlushedTarget,
    RefusedAlert,
    Target,
    active_targets,
    targets_of,
)
from floe_core.alerts.chosen_store import store_of
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """The content of a target's spool, which is named after the variable that holds its URL.

    `kinds` are the kinds of alert for it; `last_failure` says why waiting ones could not be sent.
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
class TargetTest:
    """Whether a target accepted a test, and if not, why."""

    target: str
    was_sent: bool
    reason: str


@dataclass(frozen=True, slots=True)
class AlertStatus:
    """The content of the spools of a product's targets."""

    targets: tuple[TargetStatus, ...]

    @property
    def waiting(self) -> int:
        """How many alerts wait, each counted for each target that it waits for."""
        return sum(each.waiting for each in self.targets)


def status(artifacts: CompiledArtifacts) -> AlertStatus:
    """Return which alerts wait for each target, and which each refused."""
    targets = targets_of(artifacts)
    store = store_of(artifacts) if targets else None
    return AlertStatus(tuple(_status(store, each) for each in targets if store))


def flush(
    artifacts: CompiledArtifacts, timeout: float, *, also_refused: bool = False
) -> tuple[FlushedTarget, ...]:
    """Send waiting alerts for up to `timeout` seconds in all; one being sent then is completed.

    Each target gets an equal share of the remaining time, so that a dead one leaves some for those
    after it. With `also_refused`, refused alerts are also sent once more.
    """
    store = store_of(artifacts)
    return tuple(
        store.flush(target, until, also_refused=also_refused)
        for target, until in _shares(active_targets(artifacts), timeout)
    )


def send_test(artifacts: CompiledArtifacts, timeout: float) -> tuple[TargetTest, ...]:
    """Send each target one alert marked as a test, for up to `timeout` seconds in all.

    A test is tried once, and is not kept.
    """
    name = artifacts.product.name
    alert = Alert(
        alert_id=alert_id(name, "", str(time.time_ns()), "test"),
        kind="warning",
        title=f"{name}: a test of its alerts",
        body="Sent by `floe alerts test`. No run has failed.",
    )
    shares = _shares(active_targets(artifacts), timeout)
    return tuple(_test(target, alert, until) for target, until in shares)


def _shares(targets: Sequence[Target], timeout: float) -> Iterator[tuple[Target, float]]:
    """Yield each target with the time of the monotonic clock until which it is tried."""
    end = time.monotonic() + timeout
    for index, target in enumerate(targets):
        share = (end - time.monotonic()) / (len(targets) - index)
        yield target, time.monotonic() + max(0.1, share)


def _test(target: Target, alert: Alert, until: float) -> TargetTest:
    unsent = AlertChannel(target.variable, until - time.monotonic()).try_once(alert)
    return TargetTest(target.variable, unsent is None, unsent.reason if unsent else "")


def _status(store: AlertStore, target: Target) -> TargetStatus:
    found = store.read_waiting(target)
    return TargetStatus(
        target=target.variable,
        kinds=tuple(sorted({kind for rule in target.rules for kind in rule.on})),
        is_off=target.is_off,
        is_unset=target.is_unset,
        waiting=found.count,
        refused=found.refused,
        last_failure=found.last_failure,
        full_since=found.full_since,
    )
