"""The ledger: where products record updates of their ports, under any orchestrator."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from pydantic import ValidationError

from floe_core.foundation.errors import EnvironmentProblemError, UsageError
from floe_core.ports.periods import PortPartitions, partitions_in
from floe_core.ports.record import Numbers, ProductRecord, Start, Update, as_seen
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.partitions import Partitions
from floe_core.secrets.references import UnsetVariableError, resolve
from floe_core.storage.shared_text import SharedText, shared_text

LEDGER_VARIABLE = "FLOE_LEDGER"
NOTHING: Mapping[str, Any] = MappingProxyType({})


class Ledger:
    """The records of all products that share a ledger, one text for each product.

    Products in different environments of a manifest do not see each other. Every method raises
    EnvironmentProblemError if the ledger cannot be read or written. A folder that is missing is
    created if it `is_local`; it is an error if machines share it, whose disk may be away.
    """

    def __init__(self, place: str, environment: str = "", *, is_local: bool = False) -> None:
        self._place = place
        self._environment = environment
        self._is_local = is_local

    @property
    def is_remote(self) -> bool:
        """Whether a record is read over the network."""
        return "://" in self._place and not self._place.startswith(("file://", "local://"))

    def place_of(self, product: str) -> str:
        """Return the place of a product's record, to show to people."""
        return self._text(product).place

    def read(self, product: str) -> ProductRecord:
        """Return the record of a product; an empty one if it never ran."""
        text = self._text(product)
        return _record(text.read(), text)

    def begin_record(self, product: str) -> ProductRecord:
        """Return the record of a product; a new one with an epoch if there is none."""
        self._change(product, lambda record: record)
        return self.read(product)

    def updates(self, ports: Iterable[str]) -> dict[str, tuple[Update, ...]]:
        """Return key of port -> its last updates, oldest first."""
        keys = sorted(set(ports))
        records = {product: self.read(product) for product in {_product_of(key) for key in keys}}
        return {
            key: records[_product_of(key)].updates.get(key.partition("/")[2], ()) for key in keys
        }

    def partitions(self, ports: Mapping[str, Partitions]) -> dict[str, PortPartitions]:
        """Return key of port -> which of its partitions were built."""
        products = {product: self.read(product) for product in set(map(_product_of, ports))}
        return {
            key: partitions_in(products[_product_of(key)], key, calendar)
            for key, calendar in ports.items()
        }

    def last_updates(self, ports: Iterable[str], seen: Numbers = NOTHING) -> dict[str, Update]:
        """Return key of port -> its last update `as_seen`, for those that have one."""
        updates = self.updates(ports).items()
        return {port: as_seen(port, found, seen)[-1] for port, found in updates if found}

    def add_updates(
        self,
        product: str,
        ports: Iterable[str],
        update: Update,
        partitions: Mapping[str, tuple[str, ...]] = NOTHING,
    ) -> None:
        """Record that a run updated these ports (`port@version`), all or none.

        `partitions` is port -> the keys of the partitions that the run built of it.
        """
        names = sorted(set(ports))

        def add(record: ProductRecord) -> ProductRecord:
            for port in names:
                built = {"partitions": partitions.get(port, ())}
                record = record.with_update(port, update.model_copy(update=built))
            return record

        self._change(product, add)

    def begin(
        self,
        product: str,
        job: str,
        run_id: str,
        seen: Numbers,
        moment: datetime,
        for_: Numbers,
        periods: Mapping[str, Numbers] = NOTHING,
    ) -> bool:
        """Record that a run of a job begins, having seen these updates.

        `for_` are the updates that started the run, {} for a run started by hand or by a schedule.
        `periods` is key -> its updates, for a job that runs for `every` period. Returns False, and
        records nothing, if another run has meanwhile begun with all of them, or for these periods.
        """
        is_new = True

        def add_start(record: ProductRecord) -> ProductRecord:
            nonlocal is_new
            starts = record.starts.get(job, ())
            known = record.updates_seen_by(job)
            is_mine = any(start.run_id == run_id for start in starts)
            begun = record.periods.get(job, {})
            is_ahead = any(known.get(port, 0) < number for port, number in for_.items())
            is_due = not begun.keys() >= periods.keys() if periods else is_ahead
            is_new = is_mine or not for_ or is_due
            if not is_new or is_mine:
                return record
            start = Start(moment=moment, run_id=run_id, seen=dict(seen))
            return record.with_start(job, start).with_periods(job, run_id, periods)

        self._change(product, add_start)
        return is_new

    def pass_over(self, product: str, job: str, seen: Numbers, moment: datetime) -> None:
        """Record that these updates start no run of a job."""
        start = Start(moment=moment, run_id="", seen=dict(seen))
        self._change(product, lambda record: record.with_start(job, start))

    def notice(self, product: str, job: str, updates: Iterable[str], moment: datetime) -> None:
        """Record that a job first sees these updates, by name, which are from the future."""
        self._change(product, lambda record: record.with_notice(job, updates, moment))

    def _change(self, product: str, changed: Callable[[ProductRecord], ProductRecord]) -> None:
        text = self._text(product)
        new = ProductRecord(epoch=uuid4().hex[:8])
        text.change(
            lambda content: _to_bytes(changed(new if content is None else _record(content, text)))
        )

    def _text(self, product: str) -> SharedText:
        name = f"{self._environment}.{product}" if self._environment else product
        return shared_text(self._place, name, needs_folder=not self._is_local)


def ledger_of(artifacts: CompiledArtifacts) -> Ledger | None:
    """Return the ledger of a product: $FLOE_LEDGER, else the manifest's; None for none.

    Raises:
        EnvironmentProblemError: The manifest names it by a variable that is not set.
    """
    return ledger_at(artifacts.ledger, artifacts.project_dir, artifacts.environment)


def ledger_at(named: str, base: Path | None, environment: str) -> Ledger | None:
    """Return the ledger of $FLOE_LEDGER, else the one in `named`; None for none.

    A relative folder is relative to `base`, such as the compiled folder that names it.

    Raises:
        EnvironmentProblemError: It is named by a variable that is not set.
        UsageError: It is relative, and there is no `base`.
    """
    try:
        place = os.environ.get(LEDGER_VARIABLE) or str(resolve(named))
    except UnsetVariableError as error:
        raise EnvironmentProblemError(f"ledger: {error}") from None
    if not place:
        return None
    is_relative = "://" not in place and not Path(place).is_absolute()
    if is_relative:
        if base is None:
            what = f"the ledger {place} is relative to a compiled folder, and there is none"
            raise UsageError(what)
        place = str((base / place).resolve())
    return Ledger(place, environment, is_local=is_relative)


def _product_of(key: str) -> str:
    return key.partition("/")[0]


def _record(content: bytes | None, text: SharedText) -> ProductRecord:
    if content is None:
        return ProductRecord()
    try:
        return ProductRecord.model_validate_json(content)
    except ValidationError:
        what = f"{text.place}: is not a ledger record; move it away to begin a new one"
        raise EnvironmentProblemError(what) from None


def _to_bytes(record: ProductRecord) -> bytes:
    return record.model_dump_json(exclude_defaults=True).encode()
