"""A build whose warehouse is PostgreSQL: several writers, no lock, secrets from the environment."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from own_database import HOST, MAINTENANCE, PASSWORD, PORT, USER, connected

from floe_core.compiler import compile_product
from floe_core.execution import BuildEnded, BuildRequest, NodeResult, NodeStarted, build
from floe_core.schemas import CompiledArtifacts

EXAMPLES = Path(__file__).parents[4] / "examples"
COMPUTE = """compute:
    type: postgres
    config:
      host: "{{ env_var('SHOP_HOST') }}"
      port: "{{ env_var('SHOP_PORT') | int }}"
      user: "{{ env_var('SHOP_USER') }}"
      password: "{{ env_var('SHOP_PASSWORD') }}"
      dbname: DATABASE
      schema: SCHEMA
      threads: 4
"""


@pytest.fixture
def connection() -> Iterator[psycopg2.extensions.connection]:
    with closing(connected()) as found:
        yield found


@pytest.fixture
def schema(connection: psycopg2.extensions.connection) -> Iterator[str]:
    name = f"floe_{uuid.uuid4().hex[:8]}"
    yield name
    with connection.cursor() as cursor:
        cursor.execute(f"drop schema if exists {name} cascade")


@pytest.fixture
def product(tmp_path: Path, schema: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the hello example on PostgreSQL, compiled where its secrets are not set."""
    shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=shutil.ignore_patterns(".floe"))
    manifest = tmp_path / "examples" / "manifest.yaml"
    lines = manifest.read_text().split("\n")
    compute = COMPUTE.replace("SCHEMA", schema).replace("DATABASE", MAINTENANCE)
    text = "\n".join("  " + compute if "compute: {type: duckdb" in line else line for line in lines)
    manifest.write_text(text)
    for index in range(6):
        slow = f"{{{{ config(materialized='table') }}}}\nselect {index} as id, pg_sleep(0.3)::text"
        (tmp_path / "examples" / "hello" / "models" / f"slow_{index}.sql").write_text(slow)
    compile_product(tmp_path / "examples" / "hello")
    settings = {"HOST": HOST, "PORT": str(PORT), "USER": USER, "PASSWORD": PASSWORD}
    for name, value in settings.items():
        monkeypatch.setenv(f"SHOP_{name}", value)
    return tmp_path / "examples" / "hello"


def test_nodes_run_side_by_side_and_leave_their_tables(
    product: Path, schema: str, connection: psycopg2.extensions.connection
) -> None:
    events = list(build(CompiledArtifacts.load(product), BuildRequest(job="hello", run_id="r")))
    assert events[-1] == BuildEnded(True)
    results = {e.unique_id.split(".")[2]: e for e in events if isinstance(e, NodeResult)}
    assert {result.status for result in results.values()} == {"success", "pass"}
    assert (results["people"].rows, results["greetings"].rows) == (3, 3)
    with connection.cursor() as cursor:
        cursor.execute(f"select greeting from {schema}.greetings order by id")
        assert cursor.fetchall() == [("Hello, Ada!",), ("Hello, Grace!",), ("Hello, Edsger!",)]
    assert most_at_once(events) > 1
    assert not list(product.rglob("*.duckdb.lock"))


# What the query of a node that hangs takes.
ASLEEP_SECONDS = 300


def test_a_node_over_its_own_time_fails_and_the_rest_goes_on(product: Path, schema: str) -> None:
    hangs = (
        "{{ config(materialized='table', meta={'floe': {'timeoutSeconds': 1}}) }}\n"
        f"select pg_sleep({ASLEEP_SECONDS})::text as nothing from {{{{ ref('slow_0') }}}}"
    )
    (product / "models" / "hangs.sql").write_text(hangs)
    (product / "models" / "below.sql").write_text("select * from {{ ref('hangs') }}")
    for index in range(8):
        after = f"select {index} as id, pg_sleep(0.3)::text from {{{{ ref('slow_1') }}}}"
        table = "{{ config(materialized='table') }}\n"
        (product / "models" / f"after_{index}.sql").write_text(table + after)
    compile_product(product)
    events = list(build(CompiledArtifacts.load(product), BuildRequest(job="hello", run_id="r")))
    results = {e.unique_id.split(".")[2]: e for e in events if isinstance(e, NodeResult)}
    bad = {name: r.status for name, r in results.items() if not r.passed}
    assert bad == {"hangs": "error", "below": "skipped"}
    assert results["hangs"].message == "timed out after 1 s"
    assert results["hangs"].seconds < ASLEEP_SECONDS


def most_at_once(events: list[object]) -> int:
    """Return how many nodes ran at one moment, at most."""
    running = most = 0
    for event in events:
        running += isinstance(event, NodeStarted) - isinstance(event, NodeResult)
        most = max(most, running)
    return most


def test_no_secret_is_written_down(product: Path) -> None:
    list(build(CompiledArtifacts.load(product), BuildRequest(job="hello", run_id="r")))
    assert "{{ env_var('SHOP_PASSWORD') }}" in (product / "profiles.yml").read_text()
    for place in ("compiled_artifacts.json", "profiles.yml", "target/manifest.json"):
        assert PASSWORD not in (product / place).read_text()


def test_lineage_has_the_columns_that_the_warehouse_has(
    product: Path,
    connection: psycopg2.extensions.connection,
    schema: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "received.jsonl"
    transport = {"type": "file", "log_file_path": str(file), "append": True}
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT", json.dumps(transport))
    list(build(CompiledArtifacts.load(product), BuildRequest("hello", "run")))
    told = {
        (output["name"].rpartition(".")[2], field["name"], field["type"])
        for event in map(json.loads, file.read_text().splitlines())
        for output in event["outputs"]
        if event["eventType"] == "COMPLETE"
        for field in output["facets"]["schema"]["fields"]
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "select table_name, column_name, data_type from information_schema.columns "
            "where table_schema = %s",
            (schema,),
        )
        assert told == set(cursor.fetchall())
