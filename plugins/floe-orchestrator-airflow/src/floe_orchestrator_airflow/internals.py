"""Private names of Airflow, which may change in any release.

`mirrors/internals.py` and `local/internals.py` have others.

For each, a comment says why the public API is not enough and what happens without it. They are
imported where they are used, so a DAG file loads even if all of them are gone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from floe_core.foundation.lazy_names import warn_of_missing_name

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.timetables.base import Timetable
    from sqlalchemy.orm import Session

AIRFLOW, PROVIDER = "apache-airflow", "apache-airflow-providers-openlineage"
_CONTEXT = "_AIRFLOW_PROCESS_CONTEXT"


def is_run_by_supervisor() -> bool:
    """Return whether this process is a task's, and only a supervisor receives its messages.

    A task has no public way to find out. Without the names, a task does not end with its
    supervisor; Airflow ends it only while the supervisor is alive.
    """
    try:
        from airflow.sdk.execution_time import task_runner
        from airflow.sdk.execution_time.comms import CommsDecoder
    except ImportError:
        warn_of_missing_name(AIRFLOW, "a task goes on when its supervisor is killed")
        return False
    return isinstance(getattr(task_runner, "SUPERVISOR_COMMS", None), CommsDecoder)


@contextmanager
def stored_connections() -> Iterator[bool]:
    """Let Airflow find connections of its metadata database in the block; yield whether it does.

    A task receives them from the API server; Airflow's own services set this variable to read the
    database, and there is no public way for a command on the same machine. Without it, a command
    finds the connections of the other secrets backends.
    """
    if _CONTEXT in os.environ or is_run_by_supervisor():
        yield False
        return
    os.environ[_CONTEXT] = "server"
    try:
        yield True
    finally:
        del os.environ[_CONTEXT]


def why_not_stored(name: str) -> str:
    """Return why the metadata database does not give a connection, "" if it has none of this name.

    Airflow's public function takes each error for a connection that is missing, and so does floe
    without the name.

    Raises:
        AirflowException: There is no key to decrypt it with.
    """
    try:
        from airflow.secrets.metastore import MetastoreBackend
    except ImportError:
        warn_of_missing_name(AIRFLOW, "a connection that can't be read is said to be missing")
        return ""
    from cryptography.fernet import InvalidToken
    from sqlalchemy.exc import SQLAlchemyError

    try:
        found = MetastoreBackend().get_connection(name)
        _ = found and (found.password, found.extra)
    except InvalidToken:
        return "it can't be decrypted; set AIRFLOW__CORE__FERNET_KEY to the key of this Airflow"
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
        return f"Airflow's metadata database can't be read: {reason}"
    return ""


@dataclass(frozen=True, slots=True)
class RunCounts:
    """How many runs a DAG has in total, and how many of them are queued or running."""

    total: int
    unfinished: int


def count_runs(dag_id: str) -> RunCounts | None:
    """Return the counts of a DAG's runs, requested from a thread of the triggerer.

    Only sensors of Airflow's own providers make such a request, on behalf of a task; an asset's
    trigger belongs to no task. Without the names, return None: updates that come during a run then
    start another one, which finds nothing new if the first run has seen them.

    Raises:
        AirflowRuntimeError: The API server does not respond.
    """
    try:
        from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

        count = RuntimeTaskInstance.get_dr_count
    except (ImportError, AttributeError):
        warn_of_missing_name(AIRFLOW, "a job may be started for updates that a run has seen")
        return None
    return RunCounts(count(dag_id), count(dag_id, states=["queued", "running"]))


def as_stored(timetable: Timetable) -> Timetable:
    """Return a timetable as the scheduler reads it from the database.

    This shows the ticks that the scheduler computes, not those of an object that it never sees.
    Without the names, return the timetable unchanged.
    """
    try:
        from airflow.serialization.decoders import decode_timetable
        from airflow.serialization.encoders import encode_timetable
    except ImportError:
        try:
            # Before 3.2.
            from airflow.serialization.serialized_objects import (  # type: ignore[attr-defined]
                decode_timetable,
                encode_timetable,
            )
        except ImportError:
            warn_of_missing_name(AIRFLOW, "ticks are those of a timetable that was never stored")
            return timetable
    stored: Timetable = decode_timetable(encode_timetable(timetable))
    return stored


@contextmanager
def records() -> Iterator[Session | None]:
    """Yield a session of Airflow's database, None if there is none or its tables differ.

    Airflow passes no session to a timetable in the scheduler, though only the database shows why a
    tick passed without a run. Without the names, a DAG that has ever run catches up on the latest
    tick.
    """
    try:
        from airflow import settings
        from airflow.jobs.job import Job
        from airflow.models.dag_version import DagVersion
        from airflow.models.dagrun import DagRun

        _ = (Job.latest_heartbeat, DagVersion.created_at, DagRun.end_date)
        make = settings.NonScopedSession
    except (ImportError, AttributeError):
        warn_of_missing_name(AIRFLOW, "a DAG that has ever run makes up for its latest tick")
        make = None
    if make is None:
        yield None
        return
    # Not the scoped session: that is the caller's, and would be closed while the caller uses it.
    with make() as session:
        yield session


def first_version_at(session: Session, dag_id: str) -> datetime | None:
    """Return when Airflow first stored a version of a DAG."""
    from airflow.models.dag_version import DagVersion
    from sqlalchemy import func, select

    query = select(func.min(DagVersion.created_at)).where(DagVersion.dag_id == dag_id)
    first: datetime | None = session.scalar(query)
    return first


def was_scheduler_up(session: Session, start: datetime, end: datetime) -> bool:
    """Return whether a single scheduler was up from start to end."""
    from airflow.jobs.job import Job
    from sqlalchemy import select

    query = select(Job.id).where(
        Job.job_type == "SchedulerJob", Job.start_date <= start, Job.latest_heartbeat >= end
    )
    return session.scalar(query.limit(1)) is not None


def was_running(session: Session, dag_id: str, start: datetime, end: datetime) -> bool:
    """Return whether a DAG had a run at any time between start and end."""
    from airflow.models.dagrun import DagRun
    from sqlalchemy import or_, select

    query = select(DagRun.id).where(
        DagRun.dag_id == dag_id,
        DagRun.start_date <= end,
        or_(DagRun.end_date.is_(None), DagRun.end_date >= start),
    )
    return session.scalar(query.limit(1)) is not None


def settings_of_lineage() -> Any:
    """Return the settings of Airflow's OpenLineage provider; None if it is not installed.

    The provider documents them as settings, not as functions to call. Without the names, floe's
    events have no Airflow task as parent, and go to floe's own backend.
    """
    if find_spec("airflow.providers.openlineage") is None:
        return None
    try:
        from airflow.providers.openlineage import conf

        _ = conf.is_disabled, conf.transport, conf.config_path, conf.namespace
    except (ImportError, AttributeError):
        warn_of_missing_name(PROVIDER, "floe's lineage is not tied to Airflow's")
        return None
    return conf


def is_reported_by_provider(task: BaseOperator, ti: Any) -> bool:
    """Return whether Airflow's OpenLineage provider emits events of a task.

    Several settings exclude tasks, and there is no public way to query them. Without the name,
    assume that it does.
    """
    try:
        from airflow.providers.openlineage.utils.emission_policy import (
            resolve_task_emission_policy,
        )
    except ImportError:
        warn_of_missing_name(PROVIDER, "lineage may name a task that the provider leaves out")
        return True
    return bool(resolve_task_emission_policy(task, ti.dag_id, ti.task_id).emit)


@cache
def has_retry_policies() -> bool:
    """Return whether a task can have a policy that says how long each retry waits.

    Compiling asks, so Airflow is not imported: what it can do shows in the files that it has.
    """
    return _file_of_airflow("sdk/definitions/retry_policy.py") is not None


@cache
def has_partition_keys() -> bool:
    """Return whether a DAG run can have a partition key."""
    return _file_of_airflow("cli/commands/partition_command.py") is not None


@cache
def starts_tasks_in_triggerer() -> bool:
    """Return whether the scheduler hands a task that says so to the triggerer, without a worker.

    Operators of every Airflow 3 may say `start_from_trigger`. The schedulers of 3.1 and 3.2 ignore
    it, and only their code shows that.
    """
    code = _file_of_airflow("models/taskinstance.py")
    return code is not None and "start_from_trigger" in code.read_text("utf-8")


def _file_of_airflow(path: str) -> Path | None:
    spec = find_spec("airflow")
    folders = (spec and spec.submodule_search_locations) or ()
    return next((file for file in (Path(each, path) for each in folders) if file.is_file()), None)
