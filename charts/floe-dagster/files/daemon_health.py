"""Tell whether Dagster's daemons have written a heartbeat within the seconds of the first argument.

`dagster-daemon liveness-check` tells the same, but takes seconds of CPU to start. Where the
database cannot be asked, the daemon is not to blame, and a restart would not help.
"""

import os
import sys

import psycopg2

NEWEST = """
select extract(epoch from now() at time zone 'utc' - max(timestamp)) from daemon_heartbeats
"""

try:
    with (
        psycopg2.connect(
            os.environ["DAGSTER_PG_DSN"],
            password=os.environ["DAGSTER_PG_PASSWORD"],
            connect_timeout=5,
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(NEWEST)
        [age] = cursor.fetchone()
except psycopg2.OperationalError as error:
    print(f"the database cannot be queried: {error}")
    sys.exit(0)
except psycopg2.errors.UndefinedTable:
    print("no daemon has written a heartbeat yet")
    sys.exit(1)
if age is None or age > float(sys.argv[1]):
    print(f"the newest heartbeat is {age} seconds old")
    sys.exit(1)
