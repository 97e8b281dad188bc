"""Decide when updates of ports start a run: one pure function for every orchestrator.

A job has seen an update if a run of it began after the update, whatever started that run. Updates
that it has not seen are new. Only green runs record updates, so a producer's failed build is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Literal

from floe_core.ports.record import Numbers, Update, as_seen
from floe_core.schemas.ports import UpdateTrigger

_FOR = "for="


@dataclass(frozen=True, slots=True)
class Decision:
    """What a job does now.

    `run`: start a run. `skip`: the new updates start nothing, and count as seen. `wait`: do
    nothing, until `until` at the latest, None for no limit. `updates` are the new updates by
    numbered port, `missing` the ports that have none. `epoch` is that of the job's own record.
    `is_off`: updates do not start the job now, because it is paused or by its environment.
    `period` is the key of the partition that the run is for, "" if the job has no `every`, and
    `partitions` is port -> those that it lacks, as in `FIRST...LAST`.
    """

    action: Literal["run", "skip", "wait"]
    updates: dict[str, int] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    until: datetime | None = None
    epoch: str = ""
    is_off: bool = False
    period: str = ""
    partitions: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Return a text that is the same for the same updates and records, and for no others."""
        period = f"{_FOR}{self.period}" if self.period else ""
        return ";".join(filter(None, (self.epoch, period, ",".join(self.names))))

    @property
    def names(self) -> list[str]:
        """Return the new updates, each as `Update.name_in_epoch`."""
        return [f"{port}#{number}" for port, number in sorted(self.updates.items())]

    @property
    def waits_for(self) -> str:
        """Return the missing ports, with their missing partitions."""
        lacks = self.partitions
        return ", ".join(f"{p} ({lacks[p]})" if p in lacks else p for p in self.missing)

    @property
    def ports(self) -> list[str]:
        """Return the keys of the ports that have new updates, sorted."""
        return ports_of(self.updates)


def ports_of(updates: Iterable[str]) -> list[str]:
    """Return the keys of numbered ports, sorted."""
    return sorted(port.partition("~")[0] for port in updates)


def updates_in(key: str) -> dict[str, int]:
    """Return the updates of a decision's key, numbered port -> number.

    >>> updates_in("0c5e4f1a;crm/customers@1~9be1d0f2#5,crm/orders@2#7")
    {'crm/customers@1~9be1d0f2': 5, 'crm/orders@2': 7}

    Raises:
        ValueError: The text is not such a key.
    """
    pairs = (each.rpartition("#") for each in key.rpartition(";")[2].split(",") if each)
    return {port: int(number) for port, _, number in pairs}


def period_in(key: str) -> str:
    """Return the key of the partition that a decision's run is for, "" for none.

    >>> period_in("0c5e4f1a;for=2026-11;crm/orders@1~9be1d0f2#31")
    '2026-11'
    """
    found = (each for each in key.split(";") if each.startswith(_FOR))
    return next(found, "").removeprefix(_FOR)


def numbers_of(updates: Mapping[str, Update]) -> dict[str, int]:
    """Return numbered port -> number, given key of port -> update."""
    return {update.port_in_epoch(port): update.number for port, update in updates.items()}


def decide(
    trigger: UpdateTrigger,
    updates: Mapping[str, Sequence[Update]],
    seen: Numbers,
    now: datetime,
    *,
    is_running: bool = False,
    noticed: Mapping[str, datetime] = MappingProxyType({}),
) -> Decision:
    """Return what a job does at a moment.

    `updates` are those of the trigger's ports, oldest first; `seen` is numbered port -> the last
    number that runs of the job began with, so that a number counts as 0 in another epoch;
    `is_running`: a run of the job is queued or running, so that no other one begins. `noticed` is
    `Update.name_in_epoch` -> when the job first saw it, for those that the clock of their producer
    put into the future.
    """
    new = {
        port: [
            update
            for update in as_seen(port, updates.get(port, ()), seen)
            if update.number > seen.get(update.port_in_epoch(port), 0)
        ]
        for port in trigger.ports
    }
    last = numbers_of({port: found[-1] for port, found in new.items() if found})
    missing = tuple(port for port in trigger.ports if not new[port])
    if not last or not trigger.enabled or is_running:
        return Decision("wait", last, missing)
    if not missing or trigger.on_update == "any":
        return Decision("run", last, missing)
    if trigger.wait_seconds is None:
        return Decision("wait", last, missing)
    first = min(
        min(update.moment, noticed.get(update.name_in_epoch(port), update.moment))
        for port, found in new.items()
        for update in found
    )
    until = first + timedelta(seconds=trigger.wait_seconds)
    if now < until:
        return Decision("wait", last, missing, until)
    return Decision(trigger.when_late, last, missing, until)
