"""Small products, an orchestrator that runs nothing, and a collector of spans."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from otlp_collector import Collector, running_collector
from plain_products import plain_orchestrator, plain_site, write_product

__all__ = ["plain_orchestrator", "plain_site", "write_product"]


@pytest.fixture(autouse=True)
def _nothing_asks_for_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*os.environ]:
        if name.startswith("OTEL_") or name in ("TRACEPARENT", "TRACESTATE"):
            monkeypatch.delenv(name)


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """Run a collector, and let the environment name it."""
    with running_collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        yield collector
