"""Whether this host's dag-processor or triggerer is alive: `python -m ...heartbeat_probe JOB_TYPE`.

Airflow's own `airflow jobs check` queries the same table, after 2 s of CPU time for its imports;
this takes 0.04 s, so that a pod can be probed often. It imports nothing from Airflow.
"""

from __future__ import annotations

import os
import re
import socket
import sys

CONNECTION = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
STALE_SECONDS = 120
_QUERY = """
    select extract(epoch from now() - max(latest_heartbeat))
    from job where job_type = %s and hostname = %s and state = 'running'
"""


def problem(job_type: str, connection: str, hostname: str) -> str:
    """Return why the job counts as dead, "" if it is alive or that is unknown.

    An unreachable database is no reason to restart a pod.
    """
    import psycopg2  # type: ignore[import-untyped]

    try:
        with psycopg2.connect(libpq_url(connection), connect_timeout=5) as opened:
            cursor = opened.cursor()
            cursor.execute(_QUERY, (job_type, hostname))
            [age] = cursor.fetchone() or [None]
    except psycopg2.OperationalError as error:
        print(f"the database cannot be queried: {error}", file=sys.stderr)
        return ""
    if age is None:
        return f"no {job_type} runs on {hostname}"
    if age > STALE_SECONDS:
        return f"the {job_type} on {hostname} sent its last heartbeat {age:.0f} s ago"
    return ""


def libpq_url(connection: str) -> str:
    """Return SQLAlchemy's URL in the form that libpq accepts.

    >>> libpq_url("postgresql+psycopg2://airflow@db:5432/airflow")
    'postgresql://airflow@db:5432/airflow'
    """
    return re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", connection)


def host_name() -> str:
    """Return this host's name like `airflow.utils.net.getfqdn`, under which jobs are recorded."""
    name = socket.gethostname()
    try:
        addresses = socket.getaddrinfo(name, None, 0, socket.SOCK_DGRAM, 0, socket.AI_CANONNAME)
    except OSError:
        return name
    return next((canonical for *_, canonical, _ in addresses if canonical), name)


def main() -> int:
    """Return 0 if the job is alive; otherwise print the reason to standard error and return 1."""
    if found := problem(sys.argv[1], os.environ[CONNECTION], host_name()):
        print(found, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
