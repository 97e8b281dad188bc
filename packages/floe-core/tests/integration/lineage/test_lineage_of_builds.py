"""What real builds of real products tell, as a backend receives it."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from floe_core.compiler import compile_product
from floe_core.execution import build
from floe_core.lineage import flush, status
from floe_core.lineage.naming import node_job_name
from floe_core.runs.build_events import NodeResult, NodeStarted
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas import CompiledArtifacts

EXAMPLES = Path(__file__).parents[5] / "examples"
HANGS = (
    "{{ config(materialized='table') }} select count(*) as id from range(1000000000) a, "
    "range(1000000000) b, {{ ref('stg_people') }}"
)
ENDS = {
    "success": "COMPLETE",
    "pass": "COMPLETE",
    "warn": "COMPLETE",
    "error": "FAIL",
    "fail": "FAIL",
    "skipped": "ABORT",
}


@pytest.fixture
def received(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let a file be the backend, and return it."""
    file = tmp_path / "received.jsonl"
    transport = {"type": "file", "log_file_path": str(file), "append": True}
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT", json.dumps(transport))
    return file


def product(tmp_path: Path, name: str) -> Path:
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    return tmp_path / "examples" / name


def built(folder: Path) -> tuple[CompiledArtifacts, dict[str, str]]:
    """Compile and build a product; return it with the status of each node."""
    artifacts = compile_product(folder)
    tick = datetime(2026, 3, 1, 6, tzinfo=UTC)
    request = BuildRequest(job=artifacts.jobs[0].name, run_id="run", nominal_time=tick)
    results = [each for each in build(artifacts, request) if isinstance(each, NodeResult)]
    return artifacts, {each.unique_id: each.status for each in results}


def events_in(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_a_run_names_what_it_reused_and_the_run_that_built_it(
    tmp_path: Path, received: Path
) -> None:
    folder = product(tmp_path, "hello")
    artifacts = compile_product(folder, reuse=True)

    def run(run_id: str) -> list[dict[str, Any]]:
        received.unlink(missing_ok=True)
        assert all(
            each.passed
            for each in build(artifacts, BuildRequest(job=artifacts.jobs[0].name, run_id=run_id))
            if isinstance(each, NodeResult)
        )
        flush(folder, artifacts.lineage, 20.0)
        return events_in(received)

    first = {
        event["job"]["name"]: event["run"]["runId"]
        for event in run("one")
        if event["job"]["name"] != artifacts.product.name
    }
    start, end = run("two")
    assert "floe_reuse" not in start["run"].get("facets", {})
    nodes = end["run"]["facets"]["floe_reuse"]["nodes"]
    assert {node["job"]["name"]: node["builtBy"]["runId"] for node in nodes} == first
    assert {node["builtBy"]["orchestratorRunId"] for node in nodes} == {"one"}


def told(events: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    return Counter((event["job"]["name"], event["eventType"]) for event in events)


def expected(artifacts: CompiledArtifacts, statuses: dict[str, str], end: str) -> Counter[Any]:
    name = artifacts.product.name
    jobs = {unique_id: node_job_name(name, artifacts.by_id[unique_id]) for unique_id in statuses}
    pairs = [(name, "START"), (name, end)]
    for unique_id, status_ in statuses.items():
        pairs += [(jobs[unique_id], "START"), (jobs[unique_id], ENDS[status_])]
    return Counter(pairs)


def test_each_node_of_a_real_build_is_told_once(tmp_path: Path, received: Path) -> None:
    folder = product(tmp_path, "customer-360")
    artifacts, statuses = built(folder)
    events = events_in(received)
    assert set(statuses) == {node.unique_id for node in artifacts.runnable}
    assert told(events) == expected(artifacts, statuses, "COMPLETE")
    assert (events[0]["job"]["name"], events[-1]["job"]["name"]) == ("customer-360",) * 2
    assert status(folder).waiting == 0


def test_a_model_is_told_with_the_sql_that_ran(tmp_path: Path, received: Path) -> None:
    built(product(tmp_path, "hello"))
    ends = {e["job"]["name"]: e for e in events_in(received) if e["eventType"] == "COMPLETE"}
    event = ends["hello.model.greetings"]
    assert "stg_people" in event["job"]["facets"]["sql"]["query"]
    assert "{{" not in event["job"]["facets"]["sql"]["query"]
    datasets = [(each["namespace"], each["name"]) for each in event["inputs"] + event["outputs"]]
    assert datasets == [
        ("duckdb://hello", "hello.main.stg_people"),
        ("duckdb://hello", "hello.main.greetings"),
    ]


def test_columns_are_told_through_ephemeral_incremental_and_snapshot(
    tmp_path: Path, received: Path
) -> None:
    built(product(tmp_path, "customer-360"))
    fields = {
        event["job"]["name"]: dataset["facets"]["columnLineage"]["fields"]
        for event in events_in(received)
        for dataset in event["outputs"]
        if "columnLineage" in dataset["facets"]
    }
    assert sorted(fields) == [
        "customer-360.model.customer_360",
        "customer-360.model.dim_customers",
        "customer-360.model.fct_orders",
        "customer-360.model.stg_customers",
        "customer-360.model.stg_orders",
        "customer-360.model.stg_payments",
        "customer-360.snapshot.customers_history",
    ]
    origins = {
        (job.rpartition(".")[2], column): [
            f"{each['name'].rpartition('.')[2]}.{each['field']}" for each in told["inputFields"]
        ]
        for job, columns in fields.items()
        for column, told in columns.items()
    }
    assert origins["stg_payments", "amount"] == ["raw_payments.cents"]
    assert origins["fct_orders", "amount"] == ["stg_payments.amount"]
    assert origins["customer_360", "revenue"] == ["fct_orders.amount", "fct_orders.status"]
    assert origins["customers_history", "customer_name"] == ["stg_customers.customer_name"]


def test_failures_and_what_they_stop_are_told_as_they_ended(tmp_path: Path, received: Path) -> None:
    folder = product(tmp_path, "hello")
    (folder / "models" / "bad.sql").write_text("select no_such_column from {{ ref('stg_people') }}")
    (folder / "models" / "worse.sql").write_text("select * from {{ ref('bad') }}")
    (folder / "tests").mkdir()
    (folder / "tests" / "nobody.sql").write_text("select * from {{ ref('greetings') }}")
    artifacts, statuses = built(folder)
    events = events_in(received)
    assert Counter(statuses.values()) == {
        "success": 3,
        "pass": 2,
        "error": 1,
        "fail": 1,
        "skipped": 1,
    }
    assert told(events) == expected(artifacts, statuses, "FAIL")
    failed = {e["job"]["name"]: e for e in events if e["eventType"] == "FAIL"}
    assert "no_such_column" in failed["hello.model.bad"]["run"]["facets"]["errorMessage"]["message"]
    (tested,) = failed["hello.test.nobody"]["inputs"]
    (assertion,) = tested["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert (tested["name"], assertion["success"]) == ("hello.main.greetings", False)


def test_a_canceled_build_aborts_what_was_under_way_and_what_it_did_not_come_to(
    tmp_path: Path, received: Path
) -> None:
    folder = product(tmp_path, "hello")
    (folder / "models" / "hangs.sql").write_text(HANGS)
    (folder / "models" / "waits.sql").write_text("select * from {{ ref('hangs') }}")
    artifacts = compile_product(folder)
    models = [f"model.hello.{name}" for name in ("stg_people", "hangs", "waits")]
    wanted = ("seed.hello.people", *models)
    events = build(artifacts, BuildRequest(job="hello", run_id="run", node_ids=wanted))
    next(e for e in events if isinstance(e, NodeStarted) and e.unique_id == "model.hello.hangs")
    events.close()
    assert told(events_in(received)) == Counter(
        {
            ("hello", "START"): 1,
            ("hello.seed.people", "START"): 1,
            ("hello.seed.people", "COMPLETE"): 1,
            ("hello.model.stg_people", "START"): 1,
            ("hello.model.stg_people", "COMPLETE"): 1,
            ("hello.model.hangs", "START"): 1,
            ("hello.model.hangs", "ABORT"): 1,
            ("hello.model.waits", "START"): 1,
            ("hello.model.waits", "ABORT"): 1,
            ("hello", "ABORT"): 1,
        }
    )
