"""A warehouse that goes away in the middle of a run and comes back: a retry does the rest."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest
from broken_line import BrokenLine
from everywhere import SIDES, run_everywhere
from faulty_product import FaultyProduct
from further_faults import (
    SLOW,
    compute,
    cut_once,
    drop_schemas,
)
from own_database import HOST, PASSWORD, PORT, connected

from floe_orchestrator_airflow.local.service import LocalAirflow

MORE = dict(zip(SIDES, ("", "granularity: node", "granularity: product"), strict=True))


@pytest.fixture
def connection() -> Iterator[psycopg2.extensions.connection]:
    with closing(connected()) as found:
        yield found


@pytest.fixture
def schemas(connection: psycopg2.extensions.connection) -> Iterator[dict[str, str]]:
    """Return side -> a schema of its own."""
    names = {side: f"floe_{uuid.uuid4().hex[:8]}" for side in SIDES}
    yield names
    drop_schemas(names.values())


def test_after_the_warehouse_went_away_the_retry_does_the_rest(
    tmp_path: Path,
    schemas: dict[str, str],
    connection: psycopg2.extensions.connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FLOE_TEST_PASSWORD", PASSWORD)
    product = FaultyProduct(SLOW, "retries: 1, retryDelaySeconds: 20")
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
        airflow = stack.enter_context(LocalAirflow(tmp_path / "airflow"))
        outcomes = run_everywhere(products, airflow, cut_once(lines))
    assert {side: (o.state, o.report, o.attempts, o.left) for side, o in outcomes.items()} == (
        dict.fromkeys(SIDES, ("success", "success", 2, []))
    )
    for side, schema in schemas.items():
        with connection.cursor() as cursor:
            cursor.execute(f"select node from {schema}.audit where what = 'passed'")
            passed = Counter(node for (node,) in cursor.fetchall())
        assert passed == Counter(["first", "middle", "last", "aside"]), side
