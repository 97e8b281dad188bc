"""Whether a tick that passed is to be made up for, by what Airflow's database remembers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# A scheduler that is up for this long after a tick has made its run. Longer than it takes, so that
# none is lost; short, so that what lies behind stays there.
SEEN_WITHIN = timedelta(minutes=2)


def should_run(dag_id: str, tick: datetime, now: datetime, *, has_run: bool) -> bool:
    """Return whether a DAG should run for its latest tick, which it has not run for.

    It should when it was known by then, and the tick is fresh, or no scheduler was up to see it, or
    another run of the DAG was in its way. Where there is no database to ask, a DAG was known if it
    ever ran on schedule, and no scheduler was up.
    """
    from airflow import settings

    is_fresh = tick > now - SEEN_WITHIN
    if not dag_id or settings.NonScopedSession is None:
        return is_fresh or has_run
    # Not the scoped session: that is the caller's own, and would be closed under it.
    with settings.NonScopedSession() as session:
        if not (has_run or _was_known(session, dag_id, tick)):
            return False
        return is_fresh or not _was_seen(session, tick) or _was_busy(session, dag_id, tick)


def _was_known(session: Session, dag_id: str, tick: datetime) -> bool:
    from airflow.models.dag_version import DagVersion
    from sqlalchemy import func, select

    query = select(func.min(DagVersion.created_at)).where(DagVersion.dag_id == dag_id)
    first = session.scalar(query)
    return first is not None and first < tick


def _was_seen(session: Session, tick: datetime) -> bool:
    from airflow.jobs.job import Job
    from sqlalchemy import select

    query = select(Job.id).where(
        Job.job_type == "SchedulerJob",
        Job.start_date <= tick,
        Job.latest_heartbeat >= tick + SEEN_WITHIN,
    )
    return session.scalar(query.limit(1)) is not None


def _was_busy(session: Session, dag_id: str, tick: datetime) -> bool:
    from airflow.models.dagrun import DagRun
    from sqlalchemy import or_, select

    query = select(DagRun.id).where(
        DagRun.dag_id == dag_id,
        DagRun.start_date <= tick + SEEN_WITHIN,
        or_(DagRun.end_date.is_(None), DagRun.end_date >= tick),
    )
    return session.scalar(query.limit(1)) is not None
