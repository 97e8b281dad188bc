"""Decides from Airflow's database whether a missed tick should still run."""

from __future__ import annotations

from datetime import datetime, timedelta

from floe_orchestrator_airflow.internals import (
    first_version_at,
    records,
    was_running,
    was_scheduler_up,
)

# A scheduler that was up for this long after a tick has created its run. Longer than that takes, so
# that no tick is lost; short, so that past ticks do not run.
SEEN_WITHIN = timedelta(minutes=2)


def should_run(dag_id: str, tick: datetime, now: datetime, *, has_run: bool) -> bool:
    """Return whether a DAG should run for its latest tick, which it has not run for.

    It should if Airflow knew the DAG by then, and the tick is recent, or no scheduler was up, or
    another run of the DAG blocked it. Without a database, assume that the DAG was known if it ever
    ran on schedule, and that no scheduler was up.
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
