"""A warehouse that goes away in the middle of a run and comes back: a retry does the rest."""

from __future__ import annotations

import os
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest
from broken_line import BrokenLine
from everywhere import SIDES, has_begun, run_everywhere
from faulty_product import FaultyProduct

from floe_core.build_events import BuildEvent, NodeResult
from floe_core.schemas import CompiledArtifacts
from floe_orchestrator_airflow.local.service import LocalAirflow

HOST = os.environ.get("FLOE_TEST_POSTGRES_HOST", "127.0.0.1")
PORT = int(os.environ.get("FLOE_TEST_POSTGRES_PORT", "5432"))
USER = os.environ.get("FLOE_TEST_POSTGRES_USER", "postgres")
PASSWORD = os.environ.get("FLOE_TEST_POSTGRES_PASSWORD", "trusted-by-the-server")
DATABASE = os.environ.get("FLOE_TEST_POSTGRES_DATABASE", "test")
MORE = dict(zip(SIDES, ("", "granularity: node", "granularity: product"), strict=True))
MIDDLE_FAILED = ("model.shop.middle", "error")
SLOW = "select id from {{ ref('first') }}, (select pg_sleep(4)) as a_while"


@pytest.fixture
def connection() -> Iterator[psycopg2.extensions.connection]:
    try:
        found = psycopg2.connect(
            host=HOST, port=PORT, user=USER, password=PASSWORD, dbname=DATABASE, connect_timeout=3
        )
    except psycopg2.OperationalError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no PostgreSQL at {HOST}:{PORT}: {error}")
    found.autocommit = True
    yield found
    found.close()


@pytest.fixture
def schemas(connection: psycopg2.extensions.connection) -> Iterator[dict[str, str]]:
    """Return side -> a schema of its own."""
    names = {side: f"floe_{uuid.uuid4().hex[:8]}" for side in SIDES}
    yield names
    with connection.cursor() as cursor:
        for name in names.values():
            cursor.execute(f"drop schema if exists {name} cascade")
            cursor.execute(f"drop schema if exists {name}_dbt_test__audit cascade")


def compute(line: BrokenLine, schema: str) -> str:
    settings = f"host: 127.0.0.1, port: {line.port}, user: {USER}, dbname: {DATABASE}, threads: 1"
    secret = "{{ env_var('FLOE_TEST_PASSWORD') }}"
    return f'type: postgres, config: {{{settings}, schema: {schema}, password: "{secret}"}}'


def test_after_the_warehouse_went_away_the_retry_does_the_rest(
    tmp_path: Path,
    schemas: dict[str, str],
    connection: psycopg2.extensions.connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FLOE_TEST_PASSWORD", PASSWORD)
    product = FaultyProduct(SLOW, "retries: 1, retryDelaySeconds: 5")
    with ExitStack() as stack:
        lines = {side: stack.enter_context(BrokenLine(HOST, PORT)) for side in SIDES}
        products = {
            side: replace(product, compute=compute(lines[side], schemas[side])).compiled(
                tmp_path / side.replace(" ", "-"),
                f"away-{side.replace(' ', '-')}",
                side.split()[0],
                MORE[side],
            )
            for side in SIDES
        }
        cut: set[str] = set()

        def meddle(side: str, artifacts: CompiledArtifacts, event: BuildEvent) -> None:
            if has_begun(event, "middle") and side not in cut:
                cut.add(side)
                lines[side].cut()
            elif isinstance(event, NodeResult) and (event.unique_id, event.status) == MIDDLE_FAILED:
                lines[side].mend()

        airflow = stack.enter_context(LocalAirflow(tmp_path / "airflow"))
        outcomes = run_everywhere(products, airflow, meddle)
    assert {side: (o.state, o.report, o.attempts, o.left) for side, o in outcomes.items()} == (
        dict.fromkeys(SIDES, ("success", "success", 2, []))
    )
    for side, schema in schemas.items():
        with connection.cursor() as cursor:
            cursor.execute(f"select node from {schema}.audit where what = 'passed'")
            passed = Counter(node for (node,) in cursor.fetchall())
        assert passed == Counter(["first", "middle", "last", "aside"]), side
