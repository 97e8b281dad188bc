"""The ledger's record of one product: updates of its ports, and starts of its jobs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from floe_core.schemas.frozen import Frozen

KEPT = 50

# Key of a port (`product/port@version`) -> number of an update.
Numbers = Mapping[str, int]


class LineageRun(Frozen):
    """A run as lineage names it; `run_id` is a UUID."""

    run_id: str
    namespace: str
    job: str


class Update(Frozen):
    """A port was updated by a green run. `number` counts a port's updates from 1.

    `moment` is when the run ended, `nominal_time` its tick; both aware, in UTC. `version` is the
    product's. `run_id` and `orchestrator` identify the run, and `lineage` is the run as lineage
    names it, None if it emitted no lineage.
    """

    number: int
    moment: datetime
    run_id: str
    attempt: int = 1
    nominal_time: datetime | None = None
    version: str = ""
    orchestrator: str = ""
    lineage: LineageRun | None = None


class Start(Frozen):
    """A run of a job began. `seen` is, for each port that it reads, the last update before it.

    `run_id` is "" if updates were passed over and no run began.
    """

    moment: datetime
    run_id: str
    seen: dict[str, int] = {}


class ProductRecord(Frozen):
    """Port (`port@version`) -> its last updates, and job -> its last starts, oldest first."""

    updates: dict[str, tuple[Update, ...]] = {}
    starts: dict[str, tuple[Start, ...]] = {}

    def updates_seen_by(self, job: str) -> dict[str, int]:
        """Return port -> the last update that runs of a job began with."""
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
        after = (*before, update.model_copy(update={"number": number}))[-KEPT:]
        return self.model_copy(update={"updates": {**self.updates, port: after}})

    def with_start(self, job: str, start: Start) -> ProductRecord:
        """Return the record with one more start, which has also seen all that earlier ones have."""
        seen = self.updates_seen_by(job)
        for port, number in start.seen.items():
            seen[port] = max(number, seen.get(port, 0))
        after = (*self.starts.get(job, ()), start.model_copy(update={"seen": seen}))[-KEPT:]
        return self.model_copy(update={"starts": {**self.starts, job: after}})
