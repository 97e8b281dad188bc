"""The two scripts of charts/floe-dagster, asked of a real PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import psycopg2
import pytest
from dagster_release import CHART
from own_database import SERVER, own_database

HEARTBEATS = "create table daemon_heartbeats (timestamp timestamp)"


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with own_database() as name:
        yield name


def run(script: str, seconds: int, dsn: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, CHART / "files" / script, str(seconds)],
        env={"DAGSTER_PG_DSN": dsn, "DAGSTER_PG_PASSWORD": SERVER["password"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def dsn(database: str) -> str:
    where = {key: SERVER[key] for key in ("host", "port", "user")}
    return " ".join(f"{key}={value}" for key, value in {**where, "dbname": database}.items())


def beat(database: str, seconds_ago: int) -> None:
    with psycopg2.connect(**SERVER, dbname=database) as connection, connection.cursor() as cursor:
        cursor.execute("delete from daemon_heartbeats")
        age = "now() at time zone 'utc' - make_interval(secs => %s)"
        cursor.execute(f"insert into daemon_heartbeats values ({age})", [seconds_ago])


def test_a_daemon_is_well_by_its_newest_heartbeat(database: str) -> None:
    assert run("daemon_health.py", 60, dsn(database)) == (
        1,
        "no daemon has written a heartbeat yet\n",
    )
    with psycopg2.connect(**SERVER, dbname=database) as connection, connection.cursor() as cursor:
        cursor.execute(HEARTBEATS)
    assert run("daemon_health.py", 60, dsn(database))[0] == 1
    beat(database, 10)
    assert run("daemon_health.py", 60, dsn(database)) == (0, "")
    beat(database, 90)
    assert run("daemon_health.py", 60, dsn(database))[0] == 1


def test_a_database_that_is_away_is_not_the_daemons_fault() -> None:
    code, told = run("daemon_health.py", 60, "host=127.0.0.1 port=9 user=none dbname=none")
    assert (code, told.partition(":")[0]) == (0, "the database cannot be queried")


def test_waiting_ends_when_the_database_lets_us_in(database: str) -> None:
    assert run("wait_for_postgres.py", 5, dsn(database)) == (0, "")


def test_waiting_ends_when_the_time_is_over() -> None:
    code, told = run("wait_for_postgres.py", 0, "host=127.0.0.1 port=9 user=none dbname=none")
    assert (code, told.partition(":")[0]) == (1, "the database does not let us in yet")
