"""Private names of Dagster, which may change in any release; `step/internals.py` has others.

For each, a comment says why the public API is not enough and what happens without it. They are
imported where they are used, so a code location loads even if all of them are gone.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from floe_core.foundation.lazy_names import warn_of_missing_name

if TYPE_CHECKING:
    from dagster import AssetCheckKey, AssetKey, DagsterInstance, JobDefinition, OpExecutionContext
    from dagster._core.definitions.unresolved_asset_job_definition import (
        UnresolvedAssetJobDefinition,
    )
    from dagster._core.scheduler.instigation import InstigatorState, InstigatorTick
    from dagster._core.storage.event_log import SqlEventLogStorage, SqliteEventLogStorage
    from sqlalchemy import Engine
    from sqlalchemy.engine import Connection

    # The return type of `define_asset_job` has no public name.
    AssetJob = UnresolvedAssetJobDefinition

# Tags of runs. They are stored in the databases of all deployments, so they are more stable than
# Dagster's constants for them, which are private.
WILL_RETRY_TAG = "dagster/will_retry"
RESUME_RETRY_TAG = "dagster/is_resume_retry"
AUTO_RETRY_RUN_ID_TAG = "dagster/auto_retry_run_id"
RETRY_NUMBER_TAG = "dagster/retry_number"
SCHEDULE_NAME_TAG = "dagster/schedule_name"
SCHEDULED_EXECUTION_TIME_TAG = ".dagster/scheduled_execution_time"
# `<repository>@<code location>`: Dagster finds runs by it, but leaves it out of their tags.
REPOSITORY_TAG = ".dagster/repository"

BUSY_TIMEOUT_SECONDS = 60
_IN_PROCESS: Mapping[str, object] = {"execution": {"config": {"in_process": {}}}}
_OF_EVENT_LOG = ("has_table", "_has_asset_key_col_on_connection")
_OF_SQLITE = ("_connect", "_db_lock", "_initdb", "_initialized_dbs", "conn_string_for_shard")
_REPLACED = {"has_table", "_connect"}


class NoMomentsError(Exception):
    """Dagster does not expose the ticks of a schedule."""


def moments_of(cron: str | list[str], timezone: str, start: datetime) -> Iterator[datetime]:
    """Yield the moments at which Dagster's daemon evaluates a schedule, from `start` on.

    Only a running webserver exposes them publicly. Without these private names, a schedule in a
    zone whose clock changes is given to Dagster in UTC, and `floe ticks --on dagster` is refused.

    Raises:
        NoMomentsError: Dagster cannot handle the days of a clock change, or lacks the names.
    """
    try:
        from dagster._check import CheckError
        from dagster._utils.schedules import schedule_execution_time_iterator
    except ImportError:
        warn_of_missing_name("dagster", "schedules around clock changes are given to it in UTC")
        raise NoMomentsError(
            "this version of Dagster does not expose the ticks of a schedule"
        ) from None
    try:
        yield from schedule_execution_time_iterator(start.timestamp(), cron, timezone)
    except CheckError as error:
        raise NoMomentsError(str(error)) from error


def last_look(
    instance: DagsterInstance, schedule_name: str, moment: datetime, tick_id: int | None
) -> datetime | None:
    """Return when the daemon last checked a schedule before a moment, None if that is unknown.

    That is the schedule's previous tick, the daemon's hourly checkpoint, or the schedule's start,
    whichever is latest. Dagster does not pass this to an evaluation. Without the names, a tick
    that was missed while no daemon was up does not run, unless it is the moment at which Dagster
    resumes the schedule.
    """
    without = "ticks that were missed during an outage may not run"
    for state, ticks in _evaluated(instance, schedule_name, tick_id, without):
        if ticks[0].timestamp == moment.timestamp():
            marks = ("start_timestamp", "last_iteration_timestamp")
            known = [getattr(state.instigator_data, mark, None) or 0.0 for mark in marks]
            found = max(known + [tick.timestamp for tick in ticks[1:]])
            return datetime.fromtimestamp(found, UTC) if found else None
    return None


def repository_of_tick(instance: DagsterInstance, schedule_name: str, tick_id: int | None) -> str:
    """Return `<repository>@<code location>` of the schedule that is evaluated, "" if unknown.

    Dagster passes only the repository's name to an evaluation, and each code location has the same
    one by default. Without the names, runs that wait for a slot are not replaced by newer ones.
    """
    without = "runs in its queue are not replaced by those of newer ticks"
    if tick_id is None:
        return ""
    found = _evaluated(instance, schedule_name, tick_id, without)
    return next((state.origin.repository_origin.get_label() for state, _ in found), "")


def _evaluated(
    instance: DagsterInstance, schedule_name: str, tick_id: int | None, without: str
) -> Iterator[tuple[InstigatorState, Sequence[InstigatorTick]]]:
    """Yield the schedules of this name whose last tick this is, and their last two ticks.

    There is at most one, unless the id of the tick is unknown.
    """
    if not all(hasattr(instance, name) for name in ("all_instigator_state", "get_ticks")):
        warn_of_missing_name("dagster", without)
        return
    for state in instance.all_instigator_state():
        if state.instigator_name == schedule_name:
            ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=2)
            if ticks and tick_id in (None, ticks[0].tick_id):
                yield state, ticks


def execute_with_origin(
    instance: DagsterInstance,
    job: JobDefinition,
    *,
    run_id: str,
    selection: tuple[set[AssetKey], set[AssetCheckKey]] | None,
    tags: Mapping[str, str],
    run_config: Mapping[str, Any],
    code_location: tuple[str, Path],
) -> bool:
    """Run a job, or some of its assets and checks, in this process, as if launched from the UI.

    `code_location` is the location's name and file: Dagster's UI then finds the job of the run and
    can re-execute it. The public `execute_in_process` records neither that nor which part of a job
    ran. Without the names, return False and run nothing.
    """
    try:
        from dagster._core.definitions.job_base import InMemoryJob
        from dagster._core.execution.api import create_execution_plan, execute_run
        from dagster._core.snap import snapshot_from_execution_plan

        origin = _origin_of(job, *code_location)
    except ImportError:
        warn_of_missing_name("dagster", "its pages cannot run again what `floe run` has run")
        return False
    part = job
    if selection:
        part = job.get_subset(asset_selection=selection[0], asset_check_selection=selection[1])
    config = {**_IN_PROCESS, **run_config}
    plan = create_execution_plan(part, run_config=config, instance_ref=instance.get_ref())
    # The instance's own `create_run_for_job` cannot select checks.
    run = instance.create_run(
        job_name=job.name,
        run_id=run_id,
        run_config=config,
        status=None,
        tags={**job.tags, **tags},
        root_run_id=None,
        parent_run_id=None,
        step_keys_to_execute=plan.step_keys_to_execute,
        execution_plan_snapshot=snapshot_from_execution_plan(plan, part.get_job_snapshot_id()),
        job_snapshot=part.get_job_snapshot(),
        parent_job_snapshot=part.get_parent_job_snapshot(),
        asset_selection=frozenset(selection[0]) if selection else None,
        asset_check_selection=frozenset(selection[1]) if selection else None,
        resolved_op_selection=None,
        op_selection=None,
        remote_job_origin=origin,
        job_code_origin=None,
        asset_graph=part.asset_layer.asset_graph,
    )
    execute_run(InMemoryJob(job), run, instance)
    return True


def _origin_of(job: JobDefinition, location_name: str, file: Path) -> Any:
    from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
    from dagster._core.remote_origin import (
        ManagedGrpcPythonEnvCodeLocationOrigin,
        RemoteJobOrigin,
        RemoteRepositoryOrigin,
    )
    from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

    target = LoadableTargetOrigin(
        executable_path=sys.executable, python_file=str(file), working_directory=str(file.parent)
    )
    location = ManagedGrpcPythonEnvCodeLocationOrigin(target, location_name=location_name)
    return RemoteJobOrigin(RemoteRepositoryOrigin(location, SINGLETON_REPOSITORY_NAME), job.name)


def is_process_of_step() -> bool:
    """Return whether a run started this process for a step, and alone receives its events.

    Dagster does not pass this to a step. Without the names, the process of a step goes on if its
    run is killed.
    """
    try:
        from dagster._core.executor.child_process_executor import (
            _execute_command_in_child_process as work,
        )
    except ImportError:
        warn_of_missing_name("dagster", "a step goes on when its run is killed")
        return False
    return getattr(multiprocessing.current_process(), "_target", None) is work


def compute_output_keys_once(context: OpExecutionContext) -> None:
    """Cache the output keys in the context of this step; nothing else is affected.

    For each output Dagster computes the keys of all outputs again, so the time is quadratic: 90 ms
    per asset at 3,000 assets. The keys do not change during a step. Without the method, a step is
    slower.
    """
    step_context = context.get_step_execution_context()
    compute = getattr(step_context, "get_output_asset_keys", None)
    if compute is None:
        warn_of_missing_name("dagster", "a step of thousands of assets is slower")
        return
    keys = compute()
    step_context.get_output_asset_keys = lambda: keys  # type: ignore[method-assign]


@contextmanager
def lighter_event_log(instance: DagsterInstance) -> Iterator[None]:
    """Make Dagster's event log faster inside the block; blocks may be nested.

    For every event a run checks which tables and columns exist, and opens and closes a connection;
    with SQLite it also creates an engine and waits for the disk. For 1,000 models that takes half
    as long as dbt. So the block caches the results of the checks, and keeps SQLite's connections
    open; not those to a database server, since Dagster holds none open while a run waits for a
    model. The data read and written is the same. Without the names, runs are slower.
    """
    storage = instance.event_log_storage
    with ExitStack() as stack:
        if not _REPLACED & vars(storage).keys():
            stack.enter_context(_kept(storage))
        yield


@contextmanager
def _kept(storage: Any) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            from dagster._core.storage.event_log import SqlEventLogStorage, SqliteEventLogStorage
        except ImportError:
            warn_of_missing_name("dagster", "its event log costs more")
        else:
            if isinstance(storage, SqlEventLogStorage) and _has(storage, _OF_EVENT_LOG):
                stack.enter_context(_remembered_schema(storage))
            if isinstance(storage, SqliteEventLogStorage) and _has(storage, _OF_SQLITE):
                stack.enter_context(_kept_files(storage))
        yield


def _has(storage: SqlEventLogStorage, names: Iterable[str]) -> bool:
    if all(hasattr(storage, name) for name in names):
        return True
    warn_of_missing_name("dagster", "its event log costs more")
    return False


@contextmanager
def _remembered_schema(storage: SqlEventLogStorage) -> Iterator[None]:
    """Check once for each table and column: a database is not migrated during a run."""
    has_table, has_column = storage.has_table, storage._has_asset_key_col_on_connection
    columns: dict[str, bool] = {}

    def has_asset_key_col(connection: Connection, name: str) -> bool:
        if name not in columns:
            columns[name] = has_column(connection, name)
        return columns[name]

    storage.has_table = cache(has_table)  # type: ignore[method-assign]
    storage._has_asset_key_col_on_connection = has_asset_key_col  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        del storage.has_table, storage._has_asset_key_col_on_connection


@contextmanager
def _kept_files(storage: SqliteEventLogStorage) -> Iterator[None]:
    engines: dict[str, Engine] = {}

    @contextmanager
    def connect(shard: str) -> Iterator[Connection]:
        with storage._db_lock:
            engine = engines.get(shard) or engines.setdefault(shard, _open_engine(storage, shard))
            with engine.connect() as connection, connection.begin():
                yield connection

    storage._connect = connect  # type: ignore[method-assign]
    try:
        yield
    finally:
        del storage._connect
        for engine in engines.values():
            engine.dispose()


def _open_engine(storage: SqliteEventLogStorage, shard: str) -> Engine:
    from sqlalchemy import create_engine, event

    engine = create_engine(
        storage.conn_string_for_shard(shard), connect_args={"timeout": BUSY_TIMEOUT_SECONDS}
    )
    event.listen(engine, "connect", _wait_less_for_the_disk)
    if shard not in storage._initialized_dbs:
        storage._initdb(engine)
        storage._initialized_dbs.add(shard)
    return engine


def _wait_less_for_the_disk(connection: Any, _: object) -> None:
    """Sync only at checkpoints: with a write-ahead log, nothing is lost if a process dies."""
    connection.execute("PRAGMA synchronous=NORMAL")
