"""The interface of stores for a product's waiting alerts, and for notes between runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from floe_core.alerts.alert import Alert
from floe_core.alerts.notes import Notes
from floe_core.alerts.target import Target

Result = TypeVar("Result")
# Makes an alert wait for a target, unless it is already waiting there.
Spool = Callable[[Target, Alert], None]
Act = Callable[[Notes, Spool], Result]


@dataclass(frozen=True, slots=True)
class RefusedAlert:
    """An alert that a receiver refused, and why."""

    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """The alerts in a store for a target. `last_failure` says why waiting ones could not be sent.

    `full_since` is since when alerts have been dropped for lack of space, "" if none was.
    """

    count: int = 0
    refused: tuple[RefusedAlert, ...] = ()
    last_failure: str = ""
    full_since: str = ""


@dataclass(frozen=True, slots=True)
class FlushedTarget:
    """What a flush did for one target. `reason` says why alerts still wait, "" if none does."""

    target: str
    sent: int
    refused: int
    waiting: int
    reason: str


class AlertStore(Protocol):
    """The alerts of one product, and the notes about them."""

    def change(self, act: Act[Result]) -> Result:
        """Call the function on the notes while no other process changes them; return its result.

        It may be called more than once, each time with the current notes. Alerts that it spools
        wait once it has returned, and none of them does if this raises.

        Raises:
            OSError, Timeout, EnvironmentProblemError: The store is not available.
        """

    def send(self, targets: Sequence[Target]) -> None:
        """Send the alerts waiting for these, without waiting long for an unresponsive receiver."""

    def flush(self, target: Target, deadline: float, *, also_refused: bool) -> FlushedTarget:
        """Send the alerts waiting for a target, until a time of the monotonic clock."""

    def read_waiting(self, target: Target) -> Waiting:
        """Return the alerts in the store for a target."""
