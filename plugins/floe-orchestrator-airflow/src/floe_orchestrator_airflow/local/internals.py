"""Private names of Airflow for the local Airflow, most of them to start it sooner.

For each, a comment says what happens without it. They are imported where they are used.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import signature
from typing import Any

from floe_core.foundation.lazy_names import warn_of_missing_name
from floe_orchestrator_airflow.internals import AIRFLOW

# How long a scheduler rests for each second of CPU time, and at most: Airflow's own default.
REST_PER_WORK, MOST_REST = 3.0, 1.0


def import_what_components_share() -> None:
    """Import Airflow's models before its components are forked, so that they share them.

    Without the names, a local Airflow takes longer to start.
    """
    try:
        from airflow.models import dagrun, taskinstance  # noqa: F401
        from airflow.utils import db  # noqa: F401
    except ImportError:
        warn_of_missing_name(AIRFLOW, "a local Airflow takes longer to start")


def let_scheduler_rest() -> None:
    """Make a local scheduler rest longer after a round that took long.

    In each round it reads all tasks of all runs that are on, which takes a quarter of a second of
    CPU time at 1,200 tasks, on the cores that dbt needs. Without the name, it always rests for
    `scheduler_idle_sleep_time`.
    """
    try:
        from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
    except ImportError:
        warn_of_missing_name(AIRFLOW, "a local Airflow uses more CPU time for large runs")
        return
    runner: Any = SchedulerJobRunner
    runner._scheduler_idle_sleep_time = _Rest()


class _Rest:
    """An attribute with the seconds to rest: at least those assigned, at most a second."""

    def __init__(self) -> None:
        self._least = MOST_REST
        self._used = time.process_time()

    def __set__(self, runner: Any, least: float) -> None:
        self._least = least

    def __get__(self, runner: Any, owner: Any = None) -> float:
        before, self._used = self._used, time.process_time()
        return max(self._least, min(MOST_REST, REST_PER_WORK * (self._used - before)))


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
    # Before 3.3 nobody can choose another lifespan than Airflow's own.
    may_choose = "lifespan" in signature(create).parameters
    app = create(lifespan=lifespan) if may_choose else create()
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
