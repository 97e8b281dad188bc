"""The ledger's record of one product: updates of its ports, and starts of its jobs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from floe_core.schemas.frozen import Frozen

KEPT = 50
KEPT_PARTITIONS = 10_000
KEPT_PERIODS = 2_000

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
    if it emitted no lineage. `partitions` are the keys of the partitions that it built of the port,
    and `calendar` names their declaration, see `floe_core.partitions.store.name_of`; () and "" for
    a port that is built whole.
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
    partitions: tuple[str, ...] = ()
    calendar: str = ""

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


class Begun(Frozen):
    """The last run of a job that began for a period, and the updates of the period before it."""

    run_id: str
    seen: dict[str, int] = {}


class ProductRecord(Frozen):
    """Port (`port@version`) -> its last updates, and job -> its last starts, oldest first.

    `epoch` tells the record from an earlier one of the product, "" in a record of an older floe.
    `partitions` is port -> name of a calendar -> key -> the last update of this partition, and
    `periods` is job -> key -> the run for this period, for jobs that run for `every` period.
    """

    epoch: str = ""
    updates: dict[str, tuple[Update, ...]] = {}
    starts: dict[str, tuple[Start, ...]] = {}
    partitions: dict[str, dict[str, dict[str, int]]] = {}
    periods: dict[str, dict[str, Begun]] = {}

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
        changed = {"updates": {**self.updates, port: after}}
        return self.model_copy(update=changed)._with_partitions(port, numbered)

    def _with_partitions(self, port: str, update: Update) -> ProductRecord:
        if not update.partitions:
            return self
        known = self.partitions.get(port, {})
        numbers = known.get(update.calendar, {}) | dict.fromkeys(update.partitions, update.number)
        kept = {key: numbers[key] for key in sorted(numbers)[-KEPT_PARTITIONS:]}
        mine = {**known, update.calendar: kept}
        return self.model_copy(update={"partitions": {**self.partitions, port: mine}})

    def with_periods(self, job: str, run_id: str, seen: Mapping[str, Numbers]) -> ProductRecord:
        """Return the record after a run of a job began for periods: key -> their updates."""
        begun = {key: Begun(run_id=run_id, seen=dict(numbers)) for key, numbers in seen.items()}
        known = {**self.periods.get(job, {}), **begun}
        kept = {key: known[key] for key in sorted(known)[-KEPT_PERIODS:]}
        return self.model_copy(update={"periods": {**self.periods, job: kept}})

    def with_start(self, job: str, start: Start) -> ProductRecord:
        """Return the record with one more start, which has also seen all that earlier ones have."""
        seen = self.updates_seen_by(job)
        for port, number in start.seen.items():
            seen[port] = max(number, seen.get(port, 0))
        after = (*self.starts.get(job, ()), start.model_copy(update={"seen": seen}))[-KEPT:]
        return self.model_copy(update={"starts": {**self.starts, job: after}})
