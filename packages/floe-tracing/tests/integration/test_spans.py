"""Spans of real compiles and builds, as a collector receives them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span
from otlp_collector import Collector, ReceivedSpan

from floe_core.compiler import compile_product
from floe_core.execution import build
from floe_core.execution.reports import build_reports
from floe_core.foundation.errors import InvalidProductError
from floe_core.runs.build_events import BuildEnded, NodeResult
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas import CompiledArtifacts

WriteProduct = Callable[..., Path]
# Seconds that nobody is to wait for.
FAR_TOO_LONG = 300.0
TICK = datetime(2026, 3, 1, 6, tzinfo=UTC)
TABLE = "{{ config(materialized='table') }}\n"
BROKEN = TABLE + "select no_such_function(id) from {{ ref('first') }}"
AFTER = "select * from {{ ref('broken') }}"
PASSES_AT_SECOND_TRY = (
    "{% if var('floe_attempt') == 1 %}select no_such_function(id) as id{% else %}select id{% endif %}"
    " from {{ ref('first') }}"
)
TRACED = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: plain}
  compute: {type: duckdb}
observability: {tracing: {enabled: true}}
"""


def built(artifacts: CompiledArtifacts, attempt: int = 1) -> BuildEnded:
    request = BuildRequest("shop", "run-1", attempt=attempt, nominal_time=TICK)
    *_, end = build(artifacts, request)
    assert isinstance(end, BuildEnded)
    return end


def about(span: ReceivedSpan) -> dict[str, object]:
    return {key.removeprefix("floe."): value for key, value in span.attributes.items()}


def test_a_compile_is_a_span(write_product: WriteProduct, collector: Collector) -> None:
    compile_product(write_product())
    (span,) = collector.spans
    assert (span.name, span.parent_id, span.has_error) == ("floe compile", "", False)
    assert about(span) == {"product": "shop", "status": "success"}
    assert 0 < span.end - span.start < 60e9
    assert collector.services == {"floe"}


def test_a_compile_that_fails_is_a_span_that_failed(
    write_product: WriteProduct, collector: Collector
) -> None:
    folder = write_product()
    (folder / "floe.yaml").write_text("kind: FloeSpec\n")
    with pytest.raises(InvalidProductError):
        compile_product(folder)
    (span,) = collector.spans
    assert (about(span), span.has_error) == ({"product": "product", "status": "failed"}, True)
    assert "apiVersion" in span.message


def test_nodes_are_spans_below_the_runs(write_product: WriteProduct, collector: Collector) -> None:
    folder = write_product(first="select 1 as id", broken=BROKEN, after=AFTER)
    artifacts = compile_product(folder)
    collector.spans.clear()
    assert not built(artifacts).succeeded
    (run,) = collector.named("floe run")
    assert about(run) == {
        "product": "shop",
        "job": "shop",
        "attempt": 1,
        "run_id": "run-1",
        "orchestrator": "plain",
        "nominal_time": "2026-03-01T06:00:00+00:00",
        "status": "failed",
    }
    assert (run.has_error, run.message, run.parent_id) == (
        True,
        "2 of 3 nodes: 1 error, 1 skipped",
        "",
    )
    nodes = {span.name: span for span in collector.spans if span is not run}
    of_node = {"product": "shop", "job": "shop", "attempt": 1, "node_type": "model"}
    assert {name: about(span) for name, span in nodes.items()} == {
        "model first": {**of_node, "node": "model.shop.first", "status": "success"},
        "model broken": {**of_node, "node": "model.shop.broken", "status": "error"},
        "model after": {**of_node, "node": "model.shop.after", "status": "skipped"},
    }
    assert {name: span.has_error for name, span in nodes.items()} == {
        "model first": False,
        "model broken": True,
        "model after": False,
    }
    assert "no_such_function" in nodes["model broken"].message
    assert {span.parent_id for span in nodes.values()} == {run.span_id}
    assert {span.trace_id for span in nodes.values()} == {run.trace_id}
    assert all(run.start <= span.start <= span.end <= run.end for span in nodes.values())


def test_a_retry_is_a_second_span_of_the_same_trace_and_doubles_no_node(
    write_product: WriteProduct, collector: Collector
) -> None:
    artifacts = compile_product(write_product(first="select 1 as id", second=PASSES_AT_SECOND_TRY))
    collector.spans.clear()
    assert [built(artifacts, 1).succeeded, built(artifacts, 2).succeeded] == [False, True]
    told = [
        (s.name, s.attributes["floe.attempt"], s.attributes["floe.status"]) for s in collector.spans
    ]
    assert sorted(told) == [
        ("floe run", 1, "failed"),
        ("floe run", 2, "success"),
        ("model first", 1, "success"),
        ("model second", 1, "error"),
        ("model second", 2, "success"),
    ]
    assert len({span.trace_id for span in collector.spans}) == 1
    assert len({span.span_id for span in collector.spans}) == 5


def test_the_run_belongs_to_the_trace_of_who_called(
    write_product: WriteProduct, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifacts = compile_product(write_product())
    collector.spans.clear()
    monkeypatch.setenv("TRACEPARENT", f"00-{'a1' * 16}-{'b2' * 8}-01")
    built(artifacts)
    (run,) = collector.named("floe run")
    assert (run.trace_id, run.parent_id) == ("a1" * 16, "b2" * 8)


def test_a_recorded_span_around_the_build_is_above_the_run(
    write_product: WriteProduct, collector: Collector
) -> None:
    artifacts = compile_product(write_product())
    collector.spans.clear()
    with TracerProvider().get_tracer("theirs").start_as_current_span("task") as task:
        built(artifacts)
    (run,) = collector.named("floe run")
    context = task.get_span_context()
    assert (run.trace_id, run.parent_id) == (f"{context.trace_id:032x}", f"{context.span_id:016x}")


def test_a_span_around_the_build_that_is_not_recorded_switches_nothing_off(
    write_product: WriteProduct, collector: Collector
) -> None:
    artifacts = compile_product(write_product())
    collector.spans.clear()
    # As Airflow makes one for each task while its own tracing is off.
    context = SpanContext(0xA1, 0xB2, is_remote=False, trace_flags=TraceFlags(0))
    with use_span(NonRecordingSpan(context)):
        built(artifacts)
    (run,) = collector.named("floe run")
    assert run.parent_id == ""


def test_lineage_tells_the_spans_of_its_runs(
    write_product: WriteProduct,
    collector: Collector,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "events.jsonl"
    transport = {"type": "file", "log_file_path": str(file), "append": True}
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT", json.dumps(transport))
    artifacts = compile_product(write_product(broken="select nothing", after=AFTER))
    collector.spans.clear()
    built(artifacts)
    events = [json.loads(line) for line in file.read_text().splitlines()]
    told = {
        (event["job"]["name"], facet["traceId"], facet["spanId"])
        for event in events
        for facet in [event["run"]["facets"]["floe_trace"]]
    }
    jobs = {
        "floe run": "shop",
        "model broken": "shop.model.broken",
        "model after": "shop.model.after",
    }
    assert told == {(jobs[span.name], span.trace_id, span.span_id) for span in collector.spans}
    assert len(events) == 6


def test_the_manifest_may_ask_for_spans(
    write_product: WriteProduct, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_product(manifest=TRACED)
    compile_product(folder)
    collector.spans.clear()
    # They go to localhost:4318 then; through a proxy, since somebody may have that port.
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT")
    for name in ("no_proxy", "NO_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", collector.url)
    monkeypatch.setenv("OTEL_SERVICE_NAME", "warehouse")
    built(CompiledArtifacts.load(folder))
    assert sorted(span.name for span in collector.spans) == ["floe run", "model first"]
    assert "warehouse" in collector.services


@pytest.mark.parametrize(
    ("name", "value"), [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none")]
)
def test_the_environment_switches_spans_off(
    write_product: WriteProduct,
    collector: Collector,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
) -> None:
    monkeypatch.setenv(name, value)
    assert built(compile_product(write_product(manifest=TRACED))).succeeded
    assert collector.spans == []


@pytest.mark.timeout(FAR_TOO_LONG / 2)
def test_a_dead_collector_fails_nothing_and_holds_up_little(
    write_product: WriteProduct,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    artifacts = compile_product(write_product())
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9/?token=s3cr3t-token")
    # It is dead at once, so nobody waits as long as floe or the exporter may.
    monkeypatch.setattr(build_reports, "_SECONDS_FOR_SPANS", FAR_TOO_LONG)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", f"{FAR_TOO_LONG:.0f}")
    assert built(artifacts).succeeded
    assert "the collector does not take them" in caplog.text
    assert "s3cr3t-token" not in caplog.text


@pytest.mark.timeout(FAR_TOO_LONG / 2)
def test_a_collector_that_never_answers_is_not_waited_for(
    write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    artifacts = compile_product(write_product())
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", f"{FAR_TOO_LONG:.0f}")
        assert built(artifacts).succeeded
    assert "the collector does not take them" in caplog.text


def test_what_cannot_be_used_is_said_and_fails_nothing(
    write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "pigeon")
    heard: list[str] = []
    artifacts = compile_product(write_product(), on_notice=heard.append)
    assert heard == [
        "no spans are sent: LookupError: no exporter of traces named 'pigeon' is installed; there "
        "are console, none, otlp, otlp_proto_grpc, otlp_proto_http"
    ]
    assert built(artifacts).succeeded


@pytest.mark.parametrize(
    ("missing", "wanted"),
    [
        (
            # As if it were not installed.
            "import sys; sys.modules['opentelemetry.sdk.resources'] = None",
            "tracing is asked for, but OpenTelemetry is not installed: "
            "pip install 'floe-orchestration[tracing]'",
        ),
    ],
)
def test_without_what_sends_spans_a_notice_says_so_and_nothing_fails(
    write_product: WriteProduct, plain_site: Path, missing: str, wanted: str
) -> None:
    folder = write_product(manifest=TRACED)
    code = f"""
{missing}
from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, build
artifacts = compile_product({str(folder)!r}, on_notice=lambda notice: print("notice:", notice))
*_, end = build(artifacts, BuildRequest("shop", "run"))
print(end)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(plain_site)},
    )
    assert done.stdout.splitlines() == [
        f"notice: {wanted}",
        "BuildEnded(succeeded=True, message='')",
    ]
    assert done.stderr.count(wanted) == 1


def test_spans_hold_no_secret(
    write_product: WriteProduct, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "correct-horse")
    refused = TABLE + "select error('postgres://me:hunter2@db/x refused correct-horse')"
    folder = write_product(broken=refused)
    artifacts = compile_product(folder)
    results = [e for e in build(artifacts, BuildRequest("shop", "r")) if isinstance(e, NodeResult)]
    assert "refused ***" in results[0].message
    (node,) = collector.named("model broken")
    assert "postgres://***@db/x refused ***" in node.message
    sent = b"".join(collector.bodies)
    assert not [secret for secret in (b"hunter2", b"correct-horse") if secret in sent]


def test_a_build_that_is_broken_off_ends_its_spans(
    write_product: WriteProduct, collector: Collector
) -> None:
    artifacts = compile_product(write_product())
    collector.spans.clear()
    events = build(artifacts, BuildRequest("shop", "r"))
    next(events)
    events.close()
    (run,) = collector.named("floe run")
    assert (run.attributes["floe.status"], run.message) == ("failed", "canceled")


def test_when_off_what_sends_spans_is_not_even_imported(write_product: WriteProduct) -> None:
    artifacts = compile_product(write_product())
    code = f"""
import sys
from floe_core.execution import BuildRequest, build
from floe_core.schemas import CompiledArtifacts
list(build(CompiledArtifacts.load({str(artifacts.project_dir)!r}), BuildRequest("shop", "r")))
senders = ("floe_tracing", "opentelemetry.sdk")
print([name for name in sys.modules if name.startswith(senders)])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
