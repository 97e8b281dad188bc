"""What the probe of dag-processor and triggerer says, by the table that Airflow itself makes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest
from own_database import HOST, PORT, USER
from service_of_machine import Database, database

from floe_orchestrator_airflow.service.heartbeat_probe import CONNECTION, host_name


@pytest.fixture(scope="module")
def opened() -> Iterator[Database]:
    from airflow.jobs.job import Job
    from sqlalchemy.dialects import postgresql
    from sqlalchemy.schema import CreateTable

    with database() as opened:
        execute(opened, str(CreateTable(Job.__table__).compile(dialect=postgresql.dialect())))
        yield opened


def execute(opened: Database, statement: str) -> None:
    with closing(psycopg2.connect(**opened.connection)) as connection, connection:
        connection.cursor().execute(statement)


def asked(opened: Database, port: int = PORT) -> tuple[int, str]:
    url = f"postgresql+psycopg2://{USER}@{HOST}:{port}/{opened.name}"
    password = str(opened.connection["password"])
    done = subprocess.run(
        [sys.executable, "-m", "floe_orchestrator_airflow.service.heartbeat_probe", "TriggererJob"],
        env={**os.environ, CONNECTION: url, "PGPASSWORD": password},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr.strip()


@pytest.mark.parametrize(
    ("age", "host", "kind", "state", "code", "said"),
    [
        (3, None, "TriggererJob", "running", 0, ""),
        (900, None, "TriggererJob", "running", 1, r"the TriggererJob on HERE sent its last heartbeat 9[0-5]\d s ago"),
        (3, "elsewhere", "TriggererJob", "running", 1, "no TriggererJob runs on HERE"),
        (3, None, "SchedulerJob", "running", 1, "no TriggererJob runs on HERE"),
        (3, None, "TriggererJob", "success", 1, "no TriggererJob runs on HERE"),
    ],
)  # fmt: skip
def test_a_job_lives_by_its_own_heartbeat(
    age: int, host: str | None, kind: str, state: str, code: int, said: str, opened: Database
) -> None:
    execute(opened, "delete from job")
    execute(
        opened,
        "insert into job (job_type, hostname, state, latest_heartbeat) "
        f"values ('{kind}', '{host or host_name()}', '{state}', now() - interval '{age} s')",
    )
    found = asked(opened)
    assert found[0] == code
    # Some seconds pass until it is asked.
    assert re.fullmatch(said.replace("HERE", re.escape(host_name())), found[1])


def test_a_database_that_is_away_is_no_reason_to_start_anew(opened: Database) -> None:
    code, said = asked(opened, port=1)
    assert code == 0
    assert said.startswith("the database cannot be queried:")


def test_airflow_writes_its_jobs_under_the_same_name() -> None:
    from airflow.utils.net import getfqdn

    assert host_name() == getfqdn()
