"""Wait until Dagster's database lets us in. The first argument is for how many seconds at most."""

import os
import sys
import time

import psycopg2

deadline = time.monotonic() + float(sys.argv[1])
while True:
    try:
        psycopg2.connect(
            os.environ["DAGSTER_PG_DSN"],
            password=os.environ["DAGSTER_PG_PASSWORD"],
            connect_timeout=5,
        ).close()
    except psycopg2.OperationalError as error:
        print(f"the database does not let us in yet: {error}".strip(), flush=True)
        if time.monotonic() > deadline:
            sys.exit(1)
        time.sleep(2)
    else:
        sys.exit(0)
