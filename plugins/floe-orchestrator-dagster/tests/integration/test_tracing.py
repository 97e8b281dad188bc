"""A run of Dagster's own engine, in a process of its own, as a collector of spans sees it."""

from __future__ import annotations

from datetime import UTC, datetime

from otlp_collector import running_collector

from floe_core.plugin_api.powers import RunOptions
from floe_orchestrator_dagster import DagsterPlugin

TICK = datetime(2026, 3, 1, 6, tzinfo=UTC)
FILES = {
    "models/first.sql": "select 1 as id",
    "models/second.sql": (
        "{% if var('floe_attempt') == 1 %}select no_such_function(id) as id{% else %}select id"
        "{% endif %} from {{ ref('first') }}"
    ),
}


def test_attempts_of_a_run_are_spans_of_one_trace_with_their_nodes_below(compiled, monkeypatch):
    artifacts = compiled(FILES, floe="execution: {retries: 1, retryDelaySeconds: 0}\n")
    with running_collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        report = DagsterPlugin().launch_run(
            artifacts, RunOptions("web-shop", nominal_time=TICK), lambda event: None
        )
    assert report.status == "success"
    names = {span.span_id: span.name for span in collector.spans}
    attempts = {span.span_id: span.attributes["floe.attempt"] for span in collector.spans}
    told = [
        (span.name, attempts[span.span_id], span.attributes["floe.status"])
        for span in collector.spans
    ]
    assert sorted(told) == [
        ("floe run", 1, "failed"),
        ("floe run", 2, "success"),
        ("model first", 1, "success"),
        ("model second", 1, "error"),
        ("model second", 2, "success"),
    ]
    assert len({span.trace_id for span in collector.spans}) == 1
    parents = [
        (names.get(span.parent_id), attempts.get(span.parent_id), attempts[span.span_id])
        for span in collector.spans
    ]
    assert sorted(parents, key=str) == sorted(
        [
            ("floe run", 1, 1),
            ("floe run", 1, 1),
            ("floe run", 2, 2),
            (None, None, 1),
            (None, None, 2),
        ],
        key=str,
    )
