"""Objects of a team's own belong to the release, and their texts may name it."""

from __future__ import annotations

import pytest
from charts import Chart, each_chart
from helm_engine import render

pytestmark = pytest.mark.long

ROUTE = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "HTTPRoute",
    "metadata": {"name": "{{ .Release.Name }}-pages", "namespace": "{{ .Release.Namespace }}"},
    "spec": {"hostnames": ["data.example.com"]},
}


@each_chart
def test_they_are_rendered_as_templates(chart: Chart) -> None:
    plain = render(chart.folder, {})
    given = {"extraObjects": [ROUTE, {**ROUTE, "kind": "GRPCRoute"}]}
    found = [each for each in render(chart.folder, given) if each not in plain]
    assert sorted(each["kind"] for each in found) == ["GRPCRoute", "HTTPRoute"]
    metadata = found[0]["metadata"]
    assert metadata == found[1]["metadata"]
    assert metadata["name"].endswith("-pages")
    assert "{" not in metadata["name"] + metadata["namespace"]
    assert found[0]["spec"] == ROUTE["spec"]
