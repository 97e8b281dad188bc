"""NetworkPolicies allow the flows that the chart declares, and no other."""

from __future__ import annotations

import network_flows
import strict_yaml
from chart_values import merged
from charts import Chart, each_scenario


@each_scenario
def test_policies_allow_the_declared_flows_and_no_other(chart: Chart, scenario: str) -> None:
    values = merged(chart.folder / "values.yaml", chart.scenarios[scenario])
    if not values["networkPolicy"]["enabled"]:
        return
    objects = chart.objects(chart.scenarios[scenario])
    pods = chart.pods(objects)
    components = {pod.component for pod in pods} | {network_flows.ANYWHERE}
    declared = {
        flow
        for flow in network_flows.declared(chart.folder, values)
        if all(end in components or end.startswith("{") for end in (flow.source, flow.target))
    }
    assert sorted(network_flows.allowed(objects, pods)) == sorted(declared)
    assert network_flows.unguarded(objects, pods) == []


@each_scenario
def test_every_flow_says_why(chart: Chart, scenario: str) -> None:
    rules = strict_yaml.document((chart.folder / "files" / "flows.yaml").read_text())
    assert [rule for rule in rules if not rule.get("why")] == []
