"""The door of a step to names that Dagster does not promise to keep; see `internals.py` above."""

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

from floe_core.missing_names import warn_of_missing_name

_OF_POOLS = ("free_concurrency_slot_for_step", "get_concurrency_info")
# A database server's storage calls the first, SQLite's the second.
_STORING = ("store_asset_event", "_store_asset_event")


@contextmanager
def remembered_materializations(context: OpExecutionContext) -> Iterator[None]:
    """Let Dagster take the inputs of an output from memory, where this step has written them.

    With each materialization Dagster keeps the ids and versions of those that it was made from, and
    for each of them it asks the database, which has them from this very process. What it keeps is
    the same. Without the names a step of many assets is slower.
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

    # Another step in this process that does the same goes without.
    names = [name for name in _STORING if name not in vars(storage)]
    for name in names:
        setattr(storage, name, _remembering(getattr(storage, name), records))
    cache._fetch_asset_records = fetch_others
    try:
        yield
    finally:
        del cache._fetch_asset_records
        for name in names:
            delattr(storage, name)


def _remembering(
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
    """Return what Dagster reads of an asset's record."""
    return SimpleNamespace(asset_entry=SimpleNamespace(last_materialization_record=record))


def pool_claims(instance: DagsterInstance, run: DagsterRun) -> Any | None:
    """Return what claims slots of Dagster's pools for one step of a run, as its executors do.

    Publicly whole ops alone are in a pool. Without the names, nodes do not wait for slots.
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
    """Return what is held while a slot is claimed.

    With SQLite, Dagster looks for a free slot in one statement and takes it in another, so two
    processes may take the same. Without the name, they may.
    """
    place = getattr(instance.event_log_storage, "path_for_shard", None)
    return nullcontext() if place is None else FileLock(f"{place('floe-pools')}.lock")


def free_slot(instance: DagsterInstance, run_id: str, step_key: str) -> None:
    """Give back a slot, or the place in the queue for one."""
    storage: Any = instance.event_log_storage
    storage.free_concurrency_slot_for_step(run_id, step_key)


def users_of_pool(instance: DagsterInstance, pool: str) -> list[tuple[str, str]]:
    """Return the run id and the step key of whoever has a slot of a pool, or a place in its queue.

    A place counts: once a slot is assigned to it, nobody else gets that.
    """
    storage: Any = instance.event_log_storage
    info = storage.get_concurrency_info(pool)
    users = (*info.claimed_slots, *info.pending_steps)
    return list(dict.fromkeys((each.run_id, each.step_key) for each in users))


def free_slots_of_run(instance: DagsterInstance, run_id: str) -> None:
    """Give back every slot of a run whose process is gone; without the name, they stay taken."""
    storage: Any = instance.event_log_storage
    if hasattr(storage, "free_concurrency_slots_for_run"):
        storage.free_concurrency_slots_for_run(run_id)
    else:
        warn_of_missing_name("dagster", "slots of a killed run stay taken")
