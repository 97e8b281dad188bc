"""Which exporters the environment and the manifest choose."""

from __future__ import annotations

import pytest

from floe_core.schemas.policies import TracingSettings
from floe_tracing.span_exporters import span_exporters


@pytest.mark.parametrize(
    ("environment", "endpoint"),
    [
        ({}, "http://otel-collector:4318/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://near:4318"}, "http://near:4318/v1/traces"),
    ],
)
def test_spans_go_to_the_manifests_endpoint_unless_the_environment_names_one(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], endpoint: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = TracingSettings(enabled=True, endpoint="http://otel-collector:4318")
    (exporter,) = span_exporters(settings)
    assert exporter._endpoint == endpoint  # type: ignore[attr-defined]
