"""The only module that uses private names of Airflow, which may change in any release.

For each, a comment says why the public API is not enough and what happens without it. They are
imported where they are used, so a DAG file loads even if all of them are gone.
"""

from __future__ import annotations

import asyncio
import fcntl
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from floe_core.missing_names import warn_of_missing_name

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.timetables.base import Timetable
    from sqlalchemy.orm import Session

RESULT_KEY = "floe_result"
STARTED_AT, ENDED_AT = "started_at", "ended_at"
POLL_SECONDS = 0.03
# ioctl(2) of Linux: the number of bytes written to a socket that its reader has not read yet.
_SIOCOUTQ = 0x5411
AIRFLOW, PROVIDER = "apache-airflow", "apache-airflow-providers-openlineage"


async def wait_until_logs_are_read(seconds: float) -> None:
    """Wait until the triggerer has read the logs of triggers, for at most `seconds`.

    The triggerer reads at most 4 kB of log records in each round of its loop, and closes a task's
    log as soon as it learns that the trigger has ended, even if it has not read all of that log.
    Records read later go to its own output. So if many triggers end at once, one that ends right
    after logging loses its log.

    Without the name, or on a system other than Linux, return at once.
    """
    deadline = time.monotonic() + seconds
    while _unread_log_bytes() and time.monotonic() < deadline:
        await asyncio.sleep(POLL_SECONDS)


def _unread_log_bytes() -> int:
    """Return how many bytes of log records the triggerer has yet to read; 0 if unknown."""
    import structlog

    # Airflow configures structlog with a factory that holds the socket to the triggerer.
    channel = getattr(structlog.get_config().get("logger_factory"), "io", None)
    if channel is None or sys.platform != "linux":
        return 0
    try:
        answer = fcntl.ioctl(channel.fileno(), _SIOCOUTQ, b"\0" * 4)
    except (OSError, ValueError, AttributeError):
        return 0
    unread: int = struct.unpack("i", answer)[0]
    return unread


def keep_times_of_nodes() -> None:
    """Make the triggerer store a node's start and end as those of the task that shows it.

    A trigger may end a task, but cannot set its start: Airflow uses the moment at which it started
    the trigger, which for all nodes of a run is the start of the run. So when the triggerer stores
    a node's result, this writes the node's times to the row of the task.

    Without the names, each task starts with the run and ends when the triggerer learns of its end.
    """
    if not _is_triggerer():
        return
    try:
        from airflow.models.taskinstance import TaskInstance
        from airflow.models.xcom import XComModel
        from sqlalchemy import event

        event.listen(XComModel, "after_insert", _take_times)
        _ = TaskInstance.start_date, TaskInstance.end_date, TaskInstance.duration
    except (ImportError, AttributeError):
        warn_of_missing_name(AIRFLOW, "tasks of nodes show the times of the run, not of the node")


def _is_triggerer() -> bool:
    return "triggerer" in sys.argv[1:2] or "airflow.jobs.triggerer_job_runner" in sys.modules


def _take_times(_mapper: Any, connection: Any, xcom: Any) -> None:
    """Set start, end and duration of the task that a result belongs to, if it has times."""
    if xcom.key != RESULT_KEY:
        return
    from airflow.models.taskinstance import TaskInstance
    from sqlalchemy import update

    facts = type(xcom).deserialize_value(xcom)
    try:
        start, end = (datetime.fromisoformat(facts[name]) for name in (STARTED_AT, ENDED_AT))
    # It has no times, or is not floe's: this must not stop the triggerer.
    except (KeyError, TypeError, ValueError):
        return
    table: Any = TaskInstance.__table__
    same = [table.c[name] == getattr(xcom, name) for name in ("dag_id", "run_id", "task_id")]
    duration = (end - start).total_seconds()
    values = {"start_date": start, "end_date": end, "duration": duration}
    connection.execute(update(table).where(*same, table.c.map_index == -1).values(values))


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
        warn_of_missing_name(AIRFLOW, "ticks are those of a timetable that was never stored")
        return timetable
    return decode_timetable(encode_timetable(timetable))


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


def import_what_components_share() -> None:
    """Import Airflow's models before its components are forked, so that they share them.

    Without the names, a local Airflow takes longer to start.
    """
    try:
        from airflow.models import dagrun, taskinstance  # noqa: F401
        from airflow.utils import db  # noqa: F401
    except ImportError:
        warn_of_missing_name(AIRFLOW, "a local Airflow takes longer to start")


def build_execution_api() -> None:
    """Build the API that tasks, triggers and DAG files call, before components are forked.

    Three of the four components each build one, in 3.5 s of CPU time. The first one requested in a
    component forked after this is the one built here, with only the newest version of the API; its
    lifespan is the component's own. Without the names each component builds its own.
    """
    try:
        import airflow.api_fastapi.app
        from airflow.api_fastapi.execution_api.app import create_task_execution_api_app, lifespan
    except ImportError:
        warn_of_missing_name(AIRFLOW, "a local Airflow takes longer to start")
        return
    create: Callable[..., Any] = create_task_execution_api_app
    chosen = _ChosenLifespan(lifespan)
    try:
        with _newest_version_alone():
            built = _build_app(create, chosen)
    # Another version of cadwyn may raise anything for versions that are not Airflow's own.
    except Exception:  # noqa: BLE001
        warn_of_missing_name(AIRFLOW, "a local Airflow takes longer to start")
        built = _build_app(create, chosen)
    unused = [built]

    def create_once(**options: Any) -> Any:
        if not unused or options.keys() - {"lifespan"}:
            return create(**options)
        chosen.lifespan = options.get("lifespan", lifespan)
        return unused.pop()

    # Modules that imported it by name use their own reference.
    for module in (airflow.api_fastapi.app, sys.modules[create.__module__]):
        setattr(module, create.__name__, create_once)


def _build_app(create: Callable[..., Any], lifespan: Any) -> Any:
    app = create(lifespan=lifespan)
    # Otherwise it would do most of the work at the first request.
    getattr(app, "_cadwyn_initialize", lambda: None)()
    return app


@contextmanager
def _newest_version_alone() -> Iterator[None]:
    """Inside the block, build an API only for its newest version: a fifth of the work.

    Every client of a local Airflow is from the same installation, and uses that version. Without
    the names, or if the client uses another version, the API is built for all ten.
    """
    try:
        from airflow.api_fastapi.execution_api import versions
        from airflow.api_fastapi.execution_api.routes import execution_api_router
        from airflow.sdk.api.datamodels._generated import API_VERSION
        from cadwyn import HeadVersion, Version, VersionBundle
        from cadwyn.route_generation import _DELETED_ROUTE_TAG
    except ImportError:
        warn_of_missing_name(AIRFLOW, "a local Airflow takes longer to start")
        yield
        return
    whole, routes = versions.bundle, execution_api_router.routes
    newest = whole.versions[0].value
    if newest != API_VERSION:
        yield
        return
    alone = VersionBundle(HeadVersion(), Version(newest), api_version_var=whole.api_version_var)
    every = list(routes)
    of_newest = [each for each in every if _DELETED_ROUTE_TAG not in getattr(each, "tags", ())]
    versions.bundle, routes[:] = alone, of_newest
    try:
        yield
    finally:
        versions.bundle, routes[:] = whole, every


class _ChosenLifespan:
    """The lifespan of an application, chosen after the application was built."""

    def __init__(self, lifespan: Any) -> None:
        self.lifespan = lifespan

    def __call__(self, app: Any) -> Any:
        return self.lifespan(app)


def end_unfinished_runs() -> None:
    """Fail the runs of an earlier Airflow on this database, which was killed.

    Airflow's API could do so once it is up, but by then the scheduler has resumed them. Without the
    names, the scheduler resumes them.
    """
    try:
        from airflow.models.dagrun import DagRun
        from airflow.models.taskinstance import TaskInstance
        from airflow.utils.session import create_session
    except ImportError:
        warn_of_missing_name(
            AIRFLOW, "what a killed Airflow had under way goes on at the next start"
        )
        return
    from sqlalchemy import or_, update

    unfinished = ("running", "queued", "scheduled", "deferred", "up_for_retry", "restarting")
    with create_session() as session:
        runs = DagRun.state.in_(("running", "queued"))
        tasks = or_(TaskInstance.state.in_(unfinished), TaskInstance.state.is_(None))
        session.execute(update(TaskInstance).where(tasks).values(state="failed", trigger_id=None))
        session.execute(update(DagRun).where(runs).values(state="failed"))


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


def is_told_by_provider(task: BaseOperator, ti: Any) -> bool:
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
