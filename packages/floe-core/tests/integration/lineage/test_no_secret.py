"""Secrets of every origin, looked for in all that lineage and tracing send, keep and say."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from otlp_collector import Collector, running_collector
from plain_shop import FLOE, MANIFEST

from floe_core.cli.main import app
from floe_core.compiler import compile_product
from floe_core.execution import build
from floe_core.runs.build_request import BuildRequest

SECRETS = {
    "variable": "correct-horse-battery",
    "password of a URL": "hunter2-in-url",
    "token of a query": "tok-in-query-77",
    "quoted password": "s3cret-in-sql",
    "key of the backend": "api-key-of-backend",
    "password of the backend": "backend-pass-99",
    "token of the collector": "collector-tok-55",
    "header of the collector": "collector-header-1",
}
FILES = {
    "floe.yaml": FLOE,
    "manifest.yaml": MANIFEST,
    "dbt_project.yml": (
        "name: shop\nversion: 1.0.0\nprofile: shop\nvars: {key: \"{{ env_var('SHOP_PASSWORD') }}\"}\n"
    ),
    "models/first.sql": (
        "{{ config(materialized='table') }}\nselect '{{ env_var(\"SHOP_PASSWORD\") }}' as a, "
        "'password=''s3cret-in-sql''' as b, 'https://x.test/?token=tok-in-query-77' as c"
    ),
    "models/broken.sql": (
        "{{ config(materialized='table') }}\nselect error('postgres://me:hunter2-in-url@db/x "
        "refused correct-horse-battery, token=tok-in-query-77') from {{ ref('first') }}"
    ),
    "models/schema.yml": """\
models:
  - name: first
    description: "made with https://x.test/?token=tok-in-query-77"
    columns: [{name: a, description: "password: s3cret-in-sql"}]
""",
}


@dataclass
class Refusing:
    """A backend that keeps what it is sent, takes the first events and refuses the rest."""

    port: int = 0
    bodies: list[bytes] = field(default_factory=list)


@pytest.fixture
def backend() -> Iterator[Refusing]:
    kept = Refusing()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            kept.bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(201 if len(kept.bodies) <= 4 else 422)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    kept.port = server.server_port
    yield kept
    server.shutdown()
    server.server_close()


@pytest.fixture
def product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHOP_PASSWORD", SECRETS["variable"])
    for name, text in FILES.items():
        path = tmp_path / "product" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "product"


def found_in(text: str) -> list[str]:
    return [origin for origin, secret in SECRETS.items() if secret in text]


def run(product: Path) -> None:
    artifacts = compile_product(product)
    for _ in build(artifacts, BuildRequest("shop", "run")):
        pass


def kept(product: Path) -> str:
    files = [path for path in (product / ".floe" / "lineage").rglob("*") if path.is_file()]
    return "\n".join(path.read_text("utf-8") for path in files)


def said_by_status(product: Path, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    app(["lineage", "status", str(product)], standalone_mode=False)
    return capsys.readouterr().out


def test_none_is_sent_kept_or_said(
    product: Path,
    backend: Refusing,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG, "floe")
    monkeypatch.setenv("OPENLINEAGE_URL", f"http://me:backend-pass-99@127.0.0.1:{backend.port}")
    monkeypatch.setenv("OPENLINEAGE_API_KEY", SECRETS["key of the backend"])
    with running_collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        run(product)
    events = [json.loads(body) for body in backend.bodies]
    sql = [e["job"]["facets"]["sql"]["query"] for e in events if "sql" in e["job"]["facets"]]
    errors = [
        event["run"]["facets"]["errorMessage"]["message"]
        for event in events
        if "errorMessage" in event["run"]["facets"]
    ]
    # All of them were there to be told, and something is told of each.
    assert any("'***' as a" in query for query in sql)
    assert any("postgres://***@db/x refused ***, token=***" in error for error in errors)
    assert found_in("".join(body.decode() for body in backend.bodies)) == []
    assert "422 Client Error" in kept(product)
    assert found_in(kept(product)) == []
    assert found_in(said_by_status(product, capsys)) == []
    assert sent(collector).count("postgres://***@db/x refused ***, token=***") == 1
    assert found_in(sent(collector)) == []
    assert found_in(caplog.text) == []


def test_none_is_kept_or_said_where_nobody_takes_them(
    product: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG, "floe")
    monkeypatch.setenv("OPENLINEAGE_URL", "http://me:backend-pass-99@127.0.0.1:9")
    monkeypatch.setenv("OPENLINEAGE_API_KEY", SECRETS["key of the backend"])
    nowhere = "http://me:collector-tok-55@127.0.0.1:9/?token=collector-tok-55"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", nowhere)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=collector-header-1")
    run(product)
    assert "spans of this run were" in caplog.text
    assert "Connection refused" in kept(product)
    assert found_in(kept(product)) == []
    assert found_in(caplog.text) == []
    printed = said_by_status(product, capsys)
    assert "last error" in printed
    assert found_in(printed) == []


def sent(collector: Collector) -> str:
    return b"".join(collector.bodies).decode("utf-8", errors="replace")
