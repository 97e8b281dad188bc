"""Decide when updates of ports start a run: one pure function for every orchestrator.

A job has seen an update if a run of it began after the update, whatever started that run. Updates
that it has not seen are new. Only green runs record updates, so a producer's failed build is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from floe_core.ports.record import Numbers, Update
from floe_core.schemas.ports import UpdateTrigger


@dataclass(frozen=True, slots=True)
class Decision:
    """What a job does now.

    `run`: start a run. `skip`: the new updates start nothing, and count as seen. `wait`: do
    nothing, until `until` at the latest, None for no limit. `updates` are the new updates by port,
    `missing` the ports that have none.
    """

    action: Literal["run", "skip", "wait"]
    updates: dict[str, int] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    until: datetime | None = None

    @property
    def key(self) -> str:
        """Return a text that is the same for the same updates, and for no others."""
        return ",".join(f"{port}#{number}" for port, number in sorted(self.updates.items()))


def updates_in(key: str) -> dict[str, int]:
    """Return the updates of a decision's key, port -> number.

    >>> updates_in("crm/customers@1#5,crm/orders@2#7")
    {'crm/customers@1': 5, 'crm/orders@2': 7}

    Raises:
        ValueError: The text is not such a key.
    """
    pairs = (each.rpartition("#") for each in key.split(",") if each)
    return {port: int(number) for port, _, number in pairs}


def decide(
    trigger: UpdateTrigger,
    updates: Mapping[str, Sequence[Update]],
    seen: Numbers,
    now: datetime,
    *,
    is_running: bool = False,
) -> Decision:
    """Return what a job does at a moment.

    `updates` are those of the trigger's ports, oldest first; `seen` is port -> the last number that
    runs of the job began with; `is_running`: a run of the job is queued or running, so that no
    other one begins.
    """
    new = {
        port: [update for update in updates.get(port, ()) if update.number > seen.get(port, 0)]
        for port in trigger.ports
    }
    last = {port: found[-1].number for port, found in new.items() if found}
    missing = tuple(port for port in trigger.ports if port not in last)
    if not last or not trigger.enabled or is_running:
        return Decision("wait", last, missing)
    if not missing or trigger.on_update == "any":
        return Decision("run", last, missing)
    if trigger.wait_seconds is None:
        return Decision("wait", last, missing)
    first = min(update.moment for found in new.values() for update in found)
    until = first + timedelta(seconds=trigger.wait_seconds)
    if now < until:
        return Decision("wait", last, missing, until)
    return Decision(trigger.when_late, last, missing, until)
