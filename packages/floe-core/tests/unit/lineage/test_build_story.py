from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from floe_core.lineage.build_story import BuildStory
from floe_core.runs.build_events import BuildEnded, NodeResult, ReusedBuild
from floe_core.schemas.partitions import Partitions
from floe_core.secrets.redactor import Redactor
from floe_core.tracing.trace_id import SpanIds

from .product import REQUEST, SQL, artifacts, result, started
from .specification import faults

Event = dict[str, Any]


def story(secrets: tuple[str, ...] = ()) -> BuildStory:
    return BuildStory(artifacts(Path("/product")), REQUEST, Redactor(secrets))


def whole_run() -> Iterator[Event]:
    """Yield the events of a run with a success, a failure, a skip, and all verdicts of tests."""
    told = story()
    yield from told.start(started("", 0).at)
    yield from told.start_node(started("seed.shop.raw_orders", 1))
    yield from told.end_node(result("seed.shop.raw_orders", "success", 2, rows=7), None)
    yield from told.start_node(started("model.shop.orders", 3))
    yield from told.end_node(result("model.shop.orders", "success", 4, rows=6), SQL)
    yield from told.start_node(started("test.shop.id_is_there", 5))
    yield from told.end_node(result("test.shop.id_is_there", "fail", 6, failures=3), None)
    yield from told.end_node(result("test.shop.few_refunds", "warn", 6, failures=1), None)
    yield from told.end_node(result("unit_test.shop.adds_up", "pass", 6), None)
    yield from told.start_node(started("model.shop.broken", 7))
    yield from told.end_node(result("model.shop.broken", "error", 8, message="no such table"), None)
    skipped = result("model.shop.after", "skipped", 8, started_at=None, ended_at=None)
    yield from told.end_node(replace(skipped, ended_at=started("", 8).at), None)
    yield from told.start_node(started("model.shop.hung", 9))
    yield from told.end(BuildEnded(succeeded=False), started("", 10).at)


def outline(events: Iterator[Event]) -> list[tuple[str, str]]:
    return [(event["eventType"], event["job"]["name"]) for event in events]


def last(events: list[Event]) -> Event:
    return events[-1]


def facets(of: Event) -> Event:
    """Return facets without what all of them have."""
    return {
        name: {key: value for key, value in facet.items() if not key.startswith("_")}
        for name, facet in of.items()
    }


def test_each_node_has_one_start_and_one_end_between_those_of_the_run() -> None:
    assert outline(whole_run()) == [
        ("START", "shop"),
        ("START", "shop.seed.raw_orders"),
        ("COMPLETE", "shop.seed.raw_orders"),
        ("START", "shop.model.orders"),
        ("COMPLETE", "shop.model.orders"),
        ("START", "shop.test.id_is_there"),
        ("FAIL", "shop.test.id_is_there"),
        ("START", "shop.test.few_refunds"),
        ("COMPLETE", "shop.test.few_refunds"),
        ("START", "shop.unit_test.adds_up"),
        ("COMPLETE", "shop.unit_test.adds_up"),
        ("START", "shop.model.broken"),
        ("FAIL", "shop.model.broken"),
        ("START", "shop.model.after.v2"),
        ("ABORT", "shop.model.after.v2"),
        ("START", "shop.model.hung"),
        ("ABORT", "shop.model.hung"),
        ("FAIL", "shop"),
    ]


@pytest.mark.parametrize("event", whole_run(), ids=lambda e: f"{e['eventType']} {e['job']['name']}")
def test_every_event_is_valid(event: Event) -> None:
    assert faults(event) == []


def traced_run() -> list[Event]:
    """Return the events of a run whose spans are known."""
    spans = {
        "": SpanIds("a1" * 16, "b2" * 8),
        "seed.shop.raw_orders": SpanIds("a1" * 16, "c3" * 8),
    }
    told = BuildStory(artifacts(Path("/product")), REQUEST, Redactor(), spans)
    seed = result("seed.shop.raw_orders", "success", 2)
    return [*told.start(started("", 0).at), *told.end_node(seed, None)]


def test_a_run_that_is_traced_names_its_span() -> None:
    events = traced_run()
    facets = [event["run"]["facets"]["floe_trace"] for event in events]
    assert [(each["traceId"], each["spanId"]) for each in facets] == [
        ("a1" * 16, "b2" * 8),
        ("a1" * 16, "c3" * 8),
        ("a1" * 16, "c3" * 8),
    ]
    assert [faults(event) for event in events] == [[], [], []]


def reusing_run() -> list[Event]:
    """Return the events of a run that built the seed and reused a model and a versioned one."""
    told = story()
    earlier = "0195505a-0000-7000-8000-000000000001"
    events = [*told.start(started("", 0).at)]
    for node_id in ("model.shop.orders", "model.shop.after"):
        reused = ReusedBuild("manual__0", earlier, 2.0)
        told.note_reused(NodeResult(node_id, "reused", reused=reused))
    events += told.end_node(result("seed.shop.raw_orders", "success", 2), None)
    return [*events, *told.end(BuildEnded(succeeded=True), started("", 3).at)]


def test_a_reused_node_has_no_run_and_the_end_of_the_parent_run_names_what_built_it() -> None:
    events = reusing_run()
    assert outline(iter(events)) == [
        ("START", "shop"),
        ("START", "shop.seed.raw_orders"),
        ("COMPLETE", "shop.seed.raw_orders"),
        ("COMPLETE", "shop"),
    ]
    built_by = {
        "runId": "0195505a-0000-7000-8000-000000000001",
        "orchestratorRunId": "manual__0",
    }
    assert facets(last(events)["run"]["facets"])["floe_reuse"] == {
        "nodes": [
            {"job": {"namespace": "floe", "name": "shop.model.orders"}, "builtBy": built_by},
            {"job": {"namespace": "floe", "name": "shop.model.after.v2"}, "builtBy": built_by},
        ]
    }
    assert [faults(event) for event in events] == [[], [], [], []]


def test_the_check_of_validity_finds_faults_in_what_was_reused() -> None:
    event = last(reusing_run())
    event["run"]["facets"]["floe_reuse"]["nodes"][0]["builtBy"]["runId"] = "manual__0"
    assert faults(event) == ["run.floe_reuse: 'manual__0' is not a 'uuid'"]


def test_the_check_of_validity_finds_faults_in_a_facet_of_floes_own() -> None:
    event = traced_run()[0]
    event["run"]["facets"]["floe_trace"]["spanId"] = "none"
    assert faults(event) == ["run.floe_trace: 'none' does not match '^[0-9a-f]{16}$'"]


def test_the_check_of_validity_finds_faults() -> None:
    event = next(whole_run())
    event["eventTime"] = "yesterday"
    event["run"]["facets"]["nominalTime"]["nominalStartTime"] = 6
    del event["job"]["facets"]["jobType"]["integration"]
    assert len(faults(event)) == 3


def test_start_and_end_of_a_node_are_one_run_of_its_own_below_the_parent() -> None:
    runs: dict[str, set[str]] = {}
    for event in whole_run():
        runs.setdefault(event["job"]["name"], set()).add(event["run"]["runId"])
        if event["job"]["name"] != "shop":
            parent = event["run"]["facets"]["parent"]
            above = {"run": parent["run"], "job": parent["job"]}
            assert parent["root"] == above
            assert above == {
                "run": {"runId": min(runs["shop"])},
                "job": {"namespace": "floe", "name": "shop"},
            }
    assert [len(ids) for ids in runs.values()] == [1] * len(runs)
    assert len(set.union(*runs.values())) == len(runs)


def test_a_model_tells_what_it_read_what_it_made_and_how() -> None:
    told = story()
    told.start_node(started("model.shop.orders", 3))
    event = last(told.end_node(result("model.shop.orders", "success", 4, rows=6), SQL))
    assert event["eventTime"] == "2026-03-01T06:00:05.250Z"
    assert facets(event["run"]["facets"]).keys() == {"parent", "processing_engine", "nominalTime"}
    assert facets(event["run"]["facets"])["nominalTime"] == {
        "nominalStartTime": "2026-03-01T06:00:00.000Z"
    }
    assert facets(event["job"]["facets"]) == {
        "jobType": {"processingType": "BATCH", "integration": "DBT", "jobType": "MODEL"},
        "ownership": {"owners": [{"name": "orders-team"}]},
        "tags": {
            "tags": [
                {"key": "daily", "value": "true", "source": "FLOE"},
                {"key": "tier", "value": "gold", "source": "FLOE"},
            ]
        },
        "documentation": {"description": "One row an order."},
        "sql": {"query": SQL, "dialect": "duckdb"},
    }
    inputs = [(each["namespace"], each["name"], facets(each["facets"])) for each in event["inputs"]]
    clicks = {"fields": [{"name": "at", "type": "timestamp"}]}
    assert inputs == [
        ("duckdb://shop", "shop.main.raw_orders", {}),
        ("duckdb://shop", "shop.main.clicks", {"schema": clicks}),
    ]
    (output,) = event["outputs"]
    assert (output["namespace"], output["name"]) == ("duckdb://shop", "shop.main.orders")
    assert facets(output["outputFacets"]) == {"outputStatistics": {"rowCount": 6}}
    assert facets(output["facets"])["schema"] == {
        "fields": [
            {"name": "id", "type": "integer", "description": "The order's number."},
            {"name": "amount", "type": "unknown"},
        ]
    }


def test_a_failed_test_is_a_verdict_on_what_it_tested() -> None:
    ended = result("test.shop.id_is_there", "fail", 6, failures=3, message="Got 3 results")
    event = last(story().end_node(ended, None))
    (tested,) = event["inputs"]
    assert tested["name"] == "shop.main.orders"
    assert facets(tested["inputFacets"]) == {
        "dataQualityAssertions": {
            "assertions": [
                {
                    "assertion": "not_null",
                    "success": False,
                    "name": "id_is_there",
                    "column": "id",
                    "severity": "error",
                    "expected": "0",
                    "actual": "3",
                }
            ]
        }
    }
    assert facets(event["run"]["facets"])["errorMessage"] == {
        "message": "Got 3 results",
        "programmingLanguage": "SQL",
    }
    assert event["outputs"] == []


def test_a_test_of_several_nodes_is_a_verdict_on_each() -> None:
    event = last(story().end_node(result("test.shop.few_refunds", "warn", 6, failures=1), None))
    verdicts = [
        (each["name"], each["inputFacets"]["dataQualityAssertions"]["assertions"])
        for each in event["inputs"]
    ]
    assertion = {
        "assertion": "custom_sql",
        "success": False,
        "name": "few_refunds",
        "severity": "warn",
        "expected": "0",
        "actual": "1",
    }
    assert verdicts == [("shop.main.orders", [assertion]), ("shop.main.raw_orders", [assertion])]


def test_a_test_that_could_not_run_is_no_verdict() -> None:
    event = last(story().end_node(result("test.shop.id_is_there", "error", 6), None))
    assert event["eventType"] == "FAIL"
    assert [each.keys() for each in event["inputs"]] == [{"namespace", "name", "facets"}]


def test_a_unit_test_tells_its_outcome_on_its_run() -> None:
    event = last(story().end_node(result("unit_test.shop.adds_up", "fail", 6), None))
    assert (event["inputs"], event["outputs"]) == ([], [])
    assert facets(event["run"]["facets"])["test"] == {
        "tests": [{"name": "adds_up", "status": "fail", "type": "unit_test"}]
    }


def test_a_failed_model_counts_no_rows() -> None:
    event = last(story().end_node(result("model.shop.orders", "error", 4, rows=0), None))
    assert "outputFacets" not in event["outputs"][0]


def test_no_secret_of_sql_or_error_is_told() -> None:
    told = story(secrets=("hunter2-and-more",))
    sql = "attach 'postgres://me:s3cret@h/db' (SECRET 's3cret'); select 'hunter2-and-more'"
    ended = result("model.shop.orders", "error", 4, message="login with password=s3cret failed")
    text = str(told.end_node(ended, sql))
    assert "s3cret" not in text
    assert "hunter2" not in text
    assert "login with password=*** failed" in text


def test_a_replay_has_the_same_ids_whatever_the_orchestrators_run_id() -> None:
    def ids(**changes: Any) -> set[str]:
        request = replace(REQUEST, **changes)
        told = BuildStory(artifacts(Path("/elsewhere")), request, Redactor())
        events = told.start(started("", 0).at)
        events += told.start_node(started("model.shop.orders", 1))
        return {event["run"]["runId"] for event in events}

    assert ids(run_id="a") == ids(run_id="b")
    assert ids(run_id="a", nominal_time=None) == ids(run_id="a", nominal_time=None)
    different = [
        ids(),
        ids(attempt=2),
        ids(job="hourly"),
        ids(nominal_time=started("", 0).at),
        ids(run_id="a", nominal_time=None),
        ids(run_id="b", nominal_time=None),
    ]
    assert len(set.union(*different)) == 2 * len(different)


@pytest.mark.parametrize(
    ("status", "failures", "wanted"),
    [("fail", 12, "<= 10"), ("warn", 3, "< 3"), ("pass", 2, "< 3")],
)
def test_what_was_expected_follows_the_condition_that_decided(
    status: str, failures: int, wanted: str
) -> None:
    product = artifacts(Path("/product"))
    nodes = tuple(
        each.model_copy(update={"error_if": ">10", "warn_if": ">= 3"}) if each.is_test else each
        for each in product.nodes
    )
    told = BuildStory(
        product.model_copy(update={"nodes": nodes}).bound_to(Path("/product")), REQUEST, Redactor()
    )
    *_, end = told.end_node(result("test.shop.id_is_there", status, 6, failures=failures), None)
    (assertion,) = end["inputs"][0]["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert (assertion["expected"], assertion["actual"], assertion["success"]) == (
        wanted,
        str(failures),
        status == "pass",
    )


def by_day(status: str, partitions: tuple[tuple[str, str], ...]) -> Event:
    """Return the end of a node that is built by day."""
    product = artifacts(Path("/product")).model_copy(
        update={"partitions": Partitions(by="day", start="2026-11-01", timezone="Europe/Berlin")}
    )
    told = BuildStory(product, REQUEST, Redactor(()))
    told.start(started("", 0).at)
    told.start_node(started("model.shop.orders", 3))
    ended = replace(result("model.shop.orders", status, 4, rows=6), partitions=partitions)
    return last(told.end_node(ended, SQL))


def test_the_end_of_a_node_says_the_period_and_the_partitions_that_were_built() -> None:
    found = by_day("success", (("2026-11-03", "success"), ("2026-11-04", "success")))
    assert faults(found) == []
    period = found["run"]["facets"]["nominalTime"]
    assert (period["nominalStartTime"], period["nominalEndTime"]) == (
        "2026-11-02T23:00:00.000Z",
        "2026-11-04T23:00:00.000Z",
    )
    [output] = found["outputs"]
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 6
    condition = output["outputFacets"]["subset"]["outputCondition"]
    assert condition["type"] == "partition"
    assert [each["identifier"] for each in condition["partitions"]] == ["2026-11-03", "2026-11-04"]
    assert condition["partitions"][0]["dimensions"] == {
        "start": "2026-11-02T23:00:00+00:00",
        "end": "2026-11-03T23:00:00+00:00",
    }


def test_a_partition_that_failed_is_no_part_of_the_output() -> None:
    found = by_day("error", (("2026-11-03", "success"), ("2026-11-04", "error")))
    assert (found["eventType"], faults(found)) == ("FAIL", [])
    [output] = found["outputs"]
    condition = output["outputFacets"]["subset"]["outputCondition"]
    assert [each["identifier"] for each in condition["partitions"]] == ["2026-11-03"]
    assert "outputStatistics" not in output["outputFacets"]
