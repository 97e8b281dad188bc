"""What differs between two sides is found, told with its cause, and shown on the page."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from floe_core.build_events import NodeResult
from floe_core.parity.comparison import compare
from floe_core.parity.html_report import html_report
from floe_core.parity.side import Side
from floe_core.parity.table_contents import TableContents
from floe_core.plugin_powers import RunReport
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

ARTIFACTS = CompiledArtifacts.model_validate(
    {
        "product": {"name": "shop", "version": "1.0.0", "description": "A <b>shop</b>"},
        "orchestrator": {"name": "one"},
        "dbt": {
            "project_name": "shop",
            "profile_name": "shop",
            "target_name": "default",
            "adapter": "duckdb",
            "version": "1.11.0",
        },
        "nodes": [
            {"unique_id": "model.shop.a", "name": "a", "resource_type": "model", "package": "shop"},
            {"unique_id": "test.shop.t", "name": "t", "resource_type": "test", "package": "shop"},
        ],
        "jobs": [{"name": "shop"}],
    }
)
TABLE = TableContents(2, (("id", "INTEGER", 11), ("name", "VARCHAR", 22)), 33)


def side(name: str) -> Side:
    nodes = {
        "model.shop.a": NodeResult("model.shop.a", "success", 0.5),
        "test.shop.t": NodeResult("test.shop.t", "pass", failures=0),
    }
    report = RunReport("success", f"run-of-{name}", 1.0, nodes)
    return Side(
        name, ARTIFACTS, report, {"model.shop.a": TABLE}, Counter({"COMPLETE shop.a {}": 1})
    )


def with_result(changed: Side, result: NodeResult) -> Side:
    nodes = {**changed.report.nodes, result.unique_id: result}
    return replace(changed, report=replace(changed.report, nodes=nodes))


def test_equal_sides_are_equal_whatever_they_took() -> None:
    other = with_result(side("two"), NodeResult("model.shop.a", "success", 99.0))
    comparison = compare(side("one"), other)
    assert comparison.is_equal
    assert "The same on one and two: 2 nodes compared" in html_report(comparison)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (None, "no table on two"),
        (TableContents(missing=True), "no table on two"),
        (replace(TABLE, rows=3), "2 rows on one, 3 on two"),
        (
            replace(TABLE, columns=(("id", "INTEGER", 11), ("name", "VARCHAR", 23))),
            "contents differ in name",
        ),
        (replace(TABLE, columns=(("id", "BIGINT", 11), TABLE.columns[1])), "contents differ in id"),
        (replace(TABLE, columns=TABLE.columns[:1]), "contents differ in name"),
        (replace(TABLE, row_hash=34), "contents differ in how the columns' values are paired"),
    ],
)
def test_a_table_that_differs_is_told_with_its_cause(
    table: TableContents | None, told: str
) -> None:
    tables = {} if table is None else {"model.shop.a": table}
    comparison = compare(side("one"), replace(side("two"), tables=tables))
    assert not comparison.is_equal
    assert [node.differences for node in comparison.nodes if node.differences] == [(told,)]
    assert told.replace("'", "&#x27;") in html_report(comparison)


@pytest.mark.parametrize(
    ("result", "told"),
    [
        (NodeResult("test.shop.t", "fail", failures=2), "pass on one, fail on two"),
        (NodeResult("model.shop.a", "skipped"), "success on one, skipped on two"),
        (NodeResult("test.shop.other", "pass", failures=0), "absent on one, pass on two"),
    ],
)
def test_a_status_that_differs_is_told(result: NodeResult, told: str) -> None:
    comparison = compare(side("one"), with_result(side("two"), result))
    assert [node.differences for node in comparison.nodes if node.differences] == [(told,)]


def test_runs_graphs_jobs_and_lineage_that_differ_are_told() -> None:
    two = side("two")
    artifacts = ARTIFACTS.model_copy(update={"nodes": ARTIFACTS.nodes[:1], "jobs": ()})
    report = replace(two.report, status="failed")
    changed = replace(
        two, artifacts=artifacts, report=report, events=Counter({"FAIL shop.a {}": 1})
    )
    told = " ".join(compare(side("one"), changed).differences)
    for part in ("success on one, failed on two", "the graph:", "the jobs:", "lineage"):
        assert part in told


def test_the_page_escapes_what_people_wrote() -> None:
    page = html_report(compare(side("one"), side("two")))
    assert "A &lt;b&gt;shop&lt;/b&gt;" in page
    assert "http" not in page, "the page fetches nothing"
