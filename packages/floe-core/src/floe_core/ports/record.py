"""The ledger's record of one product: updates of its ports, and starts of its jobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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

    def name_in_epoch(self, port: str) -> str:
        """Return the update's own key, as in `crm/orders@2~9be1d0f2#7`."""
        return f"{self.port_in_epoch(port)}#{self.number}"


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
    `noticed` is job -> `Update.name_in_epoch` -> when the job first saw an update from the future.
    """

    epoch: str = ""
    updates: dict[str, tuple[Update, ...]] = {}
    starts: dict[str, tuple[Start, ...]] = {}
    partitions: dict[str, dict[str, dict[str, int]]] = {}
    periods: dict[str, dict[str, Begun]] = {}
    noticed: dict[str, dict[str, datetime]] = {}

    def with_notice(self, job: str, names: Iterable[str], moment: datetime) -> ProductRecord:
        """Return the record after a job first saw these updates, which say that they come later."""
        known = {**dict.fromkeys(names, moment), **self.noticed.get(job, {})}
        return self.model_copy(update={"noticed": {**self.noticed, job: known}})

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
        noticed = {other: names for other, names in self.noticed.items() if other != job}
        starts = {**self.starts, job: after}
        return self.model_copy(update={"starts": starts, "noticed": noticed})


def as_seen(port: str, updates: Sequence[Update], seen: Numbers) -> Sequence[Update]:
    """Return the updates of a port, given numbered port -> the last number that a job has seen.

    Numbers only grow. If a job has seen a higher one than the last, the record has come back from
    an older backup, and counts again from there: for this job, in another epoch from then on.
    """
    if not updates:
        return ()
    last, epoch = updates[-1], f"{updates[-1].epoch}r"
    again = last.model_copy(update={"epoch": epoch})
    has_grown = last.number >= seen.get(last.port_in_epoch(port), 0)
    if has_grown and again.port_in_epoch(port) not in seen:
        return updates
    return as_seen(port, [u.model_copy(update={"epoch": epoch}) for u in updates], seen)
