"""The private names of Dagster that a step uses. See `internals.py` in the folder above."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any

from dagster import (
    AssetKey,
    DagsterEventType,
    DagsterInstance,
    DagsterRun,
    EventLogEntry,
    EventLogRecord,
    OpExecutionContext,
)
from filelock import FileLock

from floe_core.foundation.lazy_names import warn_of_missing_name

_OF_POOLS = ("free_concurrency_slot_for_step", "get_concurrency_info")
# The storage of a database server calls the first, that of SQLite the second.
_STORING = ("store_asset_event", "_store_asset_event")


@contextmanager
def remembered_materializations(context: OpExecutionContext) -> Iterator[None]:
    """Let Dagster read the inputs of an output from memory if this step has written them.

    With each materialization Dagster stores the ids and versions of its upstream materializations,
    and queries the database for each, although this same process wrote them. The data stored is
    the same. Without the names, a step of many assets is slower.
    """
    storage: Any = context.instance.event_log_storage
    cache: Any = getattr(context.get_step_execution_context(), "_data_version_cache", None)
    fetch = getattr(cache, "_fetch_asset_records", None)
    if fetch is None or not all(hasattr(storage, name) for name in _STORING):
        warn_of_missing_name("dagster", "a step of many assets is slower")
        yield
        return
    records: dict[AssetKey, EventLogRecord] = {}

    def fetch_others(keys: Sequence[AssetKey]) -> dict[AssetKey, Any]:
        others = [key for key in keys if key not in records]
        found: dict[AssetKey, Any] = fetch(others) if others else {}
        return {**found, **{key: _as_asset(records[key]) for key in keys if key in records}}

    # If another step in this process has already patched these, this step does not.
    names = [name for name in _STORING if name not in vars(storage)]
    for name in names:
        setattr(storage, name, _remember_stored(getattr(storage, name), records))
    cache._fetch_asset_records = fetch_others
    try:
        yield
    finally:
        del cache._fetch_asset_records
        for name in names:
            delattr(storage, name)


def _remember_stored(
    store: Callable[..., Any], records: dict[AssetKey, EventLogRecord]
) -> Callable[..., Any]:
    def store_and_remember(*args: Any) -> Any:
        stored = store(*args)
        entry: EventLogEntry = args[-2]
        event = entry.dagster_event
        if event and event.event_type == DagsterEventType.ASSET_MATERIALIZATION and event.asset_key:
            records[event.asset_key] = EventLogRecord(storage_id=args[-1], event_log_entry=entry)
        return stored

    return store_and_remember


def _as_asset(record: EventLogRecord) -> Any:
    """Return the part of an asset's record that Dagster reads."""
    return SimpleNamespace(asset_entry=SimpleNamespace(last_materialization_record=record))


def pool_claims(instance: DagsterInstance, run: DagsterRun) -> Any | None:
    """Return an object that claims slots of Dagster's pools for one step, as its executors do.

    In the public API only whole ops have a pool. Without the names, nodes do not wait for slots.
    """
    if all(hasattr(instance.event_log_storage, name) for name in _OF_POOLS):
        try:
            from dagster._core.execution.plan.instance_concurrency_context import (
                InstanceConcurrencyContext,
            )
        except ImportError:
            pass
        else:
            return InstanceConcurrencyContext(instance, run)
    warn_of_missing_name("dagster", "nodes do not wait for slots of their pools")
    return None


def claiming_alone(instance: DagsterInstance) -> AbstractContextManager[Any]:
    """Return the lock to hold while a slot is claimed.

    With SQLite, Dagster finds a free slot in one statement and takes it in another, so two
    processes may take the same slot. Without the name there is no lock, and they still may.
    """
    place = getattr(instance.event_log_storage, "path_for_shard", None)
    return nullcontext() if place is None else FileLock(f"{place('floe-pools')}.lock")


def free_slot(instance: DagsterInstance, run_id: str, step_key: str) -> None:
    """Release a slot, or the place in the queue for one."""
    storage: Any = instance.event_log_storage
    storage.free_concurrency_slot_for_step(run_id, step_key)


def users_of_pool(instance: DagsterInstance, pool: str) -> list[tuple[str, str]]:
    """Return (run id, step key) for each slot taken in a pool and each place in its queue.

    A place counts, since no one else can take the slot that is assigned to it.
    """
    storage: Any = instance.event_log_storage
    info = storage.get_concurrency_info(pool)
    users = (*info.claimed_slots, *info.pending_steps)
    return list(dict.fromkeys((each.run_id, each.step_key) for each in users))


def free_slots_of_run(instance: DagsterInstance, run_id: str) -> None:
    """Release every slot of a run whose process is gone; without the name, they stay taken."""
    storage: Any = instance.event_log_storage
    if hasattr(storage, "free_concurrency_slots_for_run"):
        storage.free_concurrency_slots_for_run(run_id)
    else:
        warn_of_missing_name("dagster", "slots of a killed run stay taken")
