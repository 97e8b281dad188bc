"""The ledger's record of one product: updates of its ports, and starts of its jobs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from floe_core.schemas.frozen import Frozen

KEPT = 50

# Numbered port (see `Update.port_in_epoch`) -> number of an update.
Numbers = Mapping[str, int]


class LineageRun(Frozen):
    """A run as lineage names it; `run_id` is a UUID."""

    run_id: str
    namespace: str
    job: str


class Update(Frozen):
    """A port was updated by a green run. `number` counts a port's updates from 1.

    `epoch` is that of the record: a new record counts from 1 again, and has another epoch. `moment`
    is when the run ended, `nominal_time` its tick; both aware, in UTC. `version` is the product's.
    `run_id` and `orchestrator` identify the run, and `lineage` is the run as lineage names it, None
    if it emitted no lineage.
    """

    number: int
    moment: datetime
    run_id: str
    epoch: str = ""
    attempt: int = 1
    nominal_time: datetime | None = None
    version: str = ""
    orchestrator: str = ""
    lineage: LineageRun | None = None

    def port_in_epoch(self, port: str) -> str:
        """Return the key of the port (`product/port@version`) with the epoch that numbers count in.

        It is the key itself in a record that was begun before records had epochs.
        """
        return f"{port}~{self.epoch}" if self.epoch else port


class Start(Frozen):
    """A run of a job began. `seen` is, for each numbered port, the last update before it.

    `run_id` is "" if updates were passed over and no run began.
    """

    moment: datetime
    run_id: str
    seen: dict[str, int] = {}


class ProductRecord(Frozen):
    """Port (`port@version`) -> its last updates, and job -> its last starts, oldest first.

    `epoch` tells the record from an earlier one of the product, "" in a record of an older floe.
    """

    epoch: str = ""
    updates: dict[str, tuple[Update, ...]] = {}
    starts: dict[str, tuple[Start, ...]] = {}

    def updates_seen_by(self, job: str) -> dict[str, int]:
        """Return numbered port -> the last update that runs of a job began with."""
        seen: dict[str, int] = {}
        for start in self.starts.get(job, ()):
            for port, number in start.seen.items():
                seen[port] = max(number, seen.get(port, 0))
        return seen

    def with_update(self, port: str, update: Update) -> ProductRecord:
        """Return the record with one more update, whose number is assigned here.

        An attempt of a run updates a port only once.
        """
        before = self.updates.get(port, ())
        if any((u.run_id, u.attempt) == (update.run_id, update.attempt) for u in before):
            return self
        number = before[-1].number + 1 if before else 1
        numbered = update.model_copy(update={"number": number, "epoch": self.epoch})
        after = (*before, numbered)[-KEPT:]
        return self.model_copy(update={"updates": {**self.updates, port: after}})

    def with_start(self, job: str, start: Start) -> ProductRecord:
        """Return the record with one more start, which has also seen all that earlier ones have."""
        seen = self.updates_seen_by(job)
        for port, number in start.seen.items():
            seen[port] = max(number, seen.get(port, 0))
        after = (*self.starts.get(job, ()), start.model_copy(update={"seen": seen}))[-KEPT:]
        return self.model_copy(update={"starts": {**self.starts, job: after}})
