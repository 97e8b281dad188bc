"""Private names of Airflow for tasks that show nodes; all of them are of the triggerer.

For each, a comment says why the public API is not enough and what happens without it. They are
imported where they are used, so a DAG file loads even if all of them are gone.
"""

from __future__ import annotations

import asyncio
import fcntl
import struct
import sys
import time
from contextvars import ContextVar
from datetime import datetime
from typing import Any
from uuid import UUID

from floe_core.foundation.lazy_names import warn_of_missing_name
from floe_orchestrator_airflow.internals import AIRFLOW
from floe_orchestrator_airflow.task.result_facts import ENDED_AT, RESULT_KEY, STARTED_AT

POLL_SECONDS = 0.03
# ioctl(2) of Linux: the number of bytes written to a socket that its reader has not read yet.
_SIOCOUTQ = 0x5411
# What a serialized task has if it has callbacks, or sends e-mail where it fails.
_CALLBACKS = (
    "has_on_success_callback",
    "has_on_failure_callback",
    "has_on_retry_callback",
    "has_on_skipped_callback",
    "email",
)
MOST_VERSIONS = 256
# Version of a DAG -> its tasks that show nodes and need no callback request.
_quiet_tasks: dict[str, frozenset[str]] = {}


async def wait_until_logs_are_read(seconds: float) -> None:
    """Wait until the triggerer has read the logs of triggers, for at most `seconds`.

    The triggerer reads at most 4 kB of log records in each round of its loop, and closes a task's
    log as soon as it notices that the trigger has ended, even if it has not read all of that log.
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

    Without the names, each task starts with the run and ends when the triggerer notices its end.
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


def start_triggers_without_dags(classpaths: frozenset[str]) -> None:
    """Make the triggerer give these triggers no copy of their DAG in the first try of their task.

    For a task that starts in the triggerer, Airflow deserializes the DAG, sends it with the trigger
    and deserializes it again, so the cost of a run is quadratic in its tasks. A copy has what a
    trigger needs to render templates, and who its upstream tasks are. floe's triggers have no
    templates, and request upstream tasks only in later tries.

    Without the names, each trigger gets its copy.
    """
    if not _is_triggerer():
        return
    try:
        from airflow.jobs.triggerer_job_runner import TriggerRunnerSupervisor
        from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance  # noqa: F401

        supervisor: Any = TriggerRunnerSupervisor
        create = vars(supervisor)["_create_workload"]
    except (ImportError, KeyError):
        warn_of_missing_name(AIRFLOW, "runs with a task per node are slow beyond 100 nodes")
        return
    if create.__module__ == __name__:
        return

    def create_without_dag(*args: Any, **kwargs: Any) -> Any:
        trigger: Any = kwargs.get("trigger")
        if getattr(trigger, "classpath", None) in classpaths and "dag_bag" in kwargs:
            ti = trigger.task_instance
            if ti is not None and ti.try_number <= 1:
                kwargs["dag_bag"] = _NoDags()
        return create(*args, **kwargs)

    supervisor._create_workload = create_without_dag


class _NoDags:
    """Stands for Airflow's bag of serialized DAGs, and has none."""

    def get_serialized_dag_model_for_run(self, *_: Any, **__: Any) -> None:
        return None

    def get_serialized_dag_model(self, *_: Any, **__: Any) -> None:
        return None


def task_instance_of(trigger: Any) -> Any:
    """Return the task instance of a trigger as one that can request XComs and states of tasks.

    Airflow gives a trigger such a task instance only together with a copy of its DAG. Without the
    name, each trigger has its copy.
    """
    ti = trigger.task_instance
    if hasattr(ti, "axcom_pull"):
        return ti
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    return RuntimeTaskInstance.model_construct(**ti.model_dump(exclude_unset=True))


def created_at(ti: Any) -> float | None:
    """Return when a task was cleared for its current try, in seconds since 1970, None if unknown.

    Airflow tells this time to no trigger. It gives each try an id of its own, and the first 48 bits
    of such an id (a UUID of version 7) are its time in milliseconds.

    With ids of another kind, a task that was cleared together with its build runs its nodes on a
    worker if the build is over before its trigger starts.
    """
    found = UUID(str(ti.id))
    return (found.int >> 80) / 1000 if found.version == 7 else None


def end_tasks_without_callbacks() -> None:
    """Make the triggerer request callbacks of a task that shows nodes only where it has some.

    Whenever a trigger ends a task, Airflow has the DAG processor run the task's callbacks,
    whether or not there are any, and to do so the DAG processor parses the DAG file.

    Without the names, a run keeps the DAG processor busy.
    """
    if not _is_triggerer():
        return
    try:
        from airflow.callbacks.database_callback_sink import DatabaseCallbackSink
        from airflow.models.serialized_dag import SerializedDagModel
        from airflow.models.trigger import handle_event_submit
        from airflow.triggers.base import BaseTaskEndEvent

        handle = handle_event_submit.registry[BaseTaskEndEvent]
        sink: Any = DatabaseCallbackSink
        send = sink.send
        _ = SerializedDagModel.dag_version_id
    except (ImportError, AttributeError, KeyError):
        warn_of_missing_name(AIRFLOW, "runs with a task per node keep the DAG processor busy")
        return
    if getattr(send, "__module__", "") == __name__:
        return
    is_wanted: ContextVar[bool] = ContextVar("is_wanted", default=True)

    def send_if_wanted(*args: Any, **kwargs: Any) -> Any:
        return send(*args, **kwargs) if is_wanted.get() else None

    def end_task(event: Any, *, task_instance: Any, session: Any) -> None:
        token = is_wanted.set(not _has_no_callbacks(task_instance, session))
        try:
            handle(event, task_instance=task_instance, session=session)
        finally:
            is_wanted.reset(token)

    sink.send = send_if_wanted
    handle_event_submit.register(BaseTaskEndEvent, end_task)


def _has_no_callbacks(ti: Any, session: Any) -> bool:
    version = str(ti.dag_version_id)
    if version not in _quiet_tasks:
        while len(_quiet_tasks) >= MOST_VERSIONS:
            _quiet_tasks.pop(next(iter(_quiet_tasks)))
        _quiet_tasks[version] = _find_quiet_tasks(ti.dag_version_id, session)
    return ti.task_id in _quiet_tasks[version]


def _find_quiet_tasks(version: Any, session: Any) -> frozenset[str]:
    """Return the ids of a DAG's tasks that show nodes and need no callback and no e-mail."""
    from airflow.models.serialized_dag import SerializedDagModel
    from sqlalchemy import select

    query = select(SerializedDagModel).where(SerializedDagModel.dag_version_id == version)
    try:
        stored = session.scalar(query)
        tasks = stored.dag.tasks if stored is not None else []
    # A DAG that cannot be read may raise anything, and this must not stop the triggerer.
    except Exception:  # noqa: BLE001
        return frozenset()
    return frozenset(task.task_id for task in tasks if _is_quiet(task))


def _is_quiet(task: Any) -> bool:
    is_mirror = getattr(task, "_task_module", "").startswith(__package__)
    return is_mirror and not any(getattr(task, name, True) for name in _CALLBACKS)
