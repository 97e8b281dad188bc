"""A manifest of the public floe format compiles, and what it says of observability is used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from floe_core.compiler import compile_product
from floe_core.lineage.backend import manifest_transport
from floe_core.schemas.policies import TracingSettings

WriteProduct = Callable[..., Path]

MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0, owner: platform@example.com}
plugins:
  compute: {type: duckdb}
  orchestrator: {type: plain}
  catalog: {type: polaris}
observability:
  tracing: {enabled: true, exporter: otlp, endpoint: "http://otel-collector:4318"}
  lineage: {enabled: true, transport: http, endpoint: "http://marquez:5000/api/v1/lineage"}
  logging: {level: INFO, format: json}
"""


def test_its_observability_is_used_and_its_logging_is_named_as_not_used(
    write_product: WriteProduct,
) -> None:
    notices: list[str] = []
    artifacts = compile_product(write_product(manifest=MANIFEST), on_notice=notices.append)
    assert artifacts.tracing == TracingSettings(
        enabled=True, exporter="otlp", endpoint="http://otel-collector:4318"
    )
    assert manifest_transport(artifacts.lineage) == {
        "type": "http",
        "url": "http://marquez:5000",
        "endpoint": "api/v1/lineage",
    }
    assert [notice for notice in notices if notice.startswith("manifest.yaml: not used")] == [
        "manifest.yaml: not used here: plugins.catalog",
        "manifest.yaml: not used here: observability.logging",
    ]


def test_a_transport_without_an_endpoint_is_taken_by_its_type(write_product: WriteProduct) -> None:
    manifest = MANIFEST.replace(
        'transport: http, endpoint: "http://marquez:5000/api/v1/lineage"', "transport: console"
    )
    assert manifest_transport(compile_product(write_product(manifest=manifest)).lineage) == {
        "type": "console"
    }


def test_a_lineage_backend_of_its_own_goes_before_the_endpoint(write_product: WriteProduct) -> None:
    manifest = MANIFEST.replace(
        "  catalog:",
        '  lineage_backend: {type: marquez, config: {url: "http://other:5000"}}\n  catalog:',
    )
    transport = manifest_transport(compile_product(write_product(manifest=manifest)).lineage)
    assert transport == {"type": "http", "url": "http://other:5000"}
