"""Whether a tick that passed is to be made up for, by what Airflow's database remembers."""

from __future__ import annotations

from datetime import datetime, timedelta

from floe_orchestrator_airflow.internals import (
    first_version_at,
    records,
    was_running,
    was_scheduler_up,
)

# A scheduler that is up for this long after a tick has made its run. Longer than it takes, so that
# none is lost; short, so that what lies behind stays there.
SEEN_WITHIN = timedelta(minutes=2)


def should_run(dag_id: str, tick: datetime, now: datetime, *, has_run: bool) -> bool:
    """Return whether a DAG should run for its latest tick, which it has not run for.

    It should when it was known by then, and the tick is fresh, or no scheduler was up to see it, or
    another run of the DAG was in its way. Where there is no database to ask, a DAG was known if it
    ever ran on schedule, and no scheduler was up.
    """
    is_fresh = tick > now - SEEN_WITHIN
    with records() as session:
        if not dag_id or session is None:
            return is_fresh or has_run
        first = first_version_at(session, dag_id)
        if not (has_run or (first is not None and first < tick)):
            return False
        end = tick + SEEN_WITHIN
        was_seen = was_scheduler_up(session, tick, end)
        return is_fresh or not was_seen or was_running(session, dag_id, tick, end)
