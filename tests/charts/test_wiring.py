"""Each reference, selector, port and probe leads to what it names."""

from __future__ import annotations

from chart_values import merged
from charts import Chart, each_scenario
from wiring import Wiring

from floe_core.user_yaml.source_map import text_values


@each_scenario
def test_everything_that_is_named_is_there(chart: Chart, scenario: str) -> None:
    values = merged(chart.folder / "values.yaml", chart.scenarios[scenario])
    kinds = ("Secret", "ConfigMap", "PersistentVolumeClaim", "ServiceAccount")
    texts = {text for _, text in text_values(values)}
    given = frozenset(f"{kind}/{text}" for kind in kinds for text in texts)
    objects = chart.objects(chart.scenarios[scenario])
    findings = Wiring(objects, chart.pods(objects), given).findings()
    # Without hooks nothing migrates in a pod of its own. The policy stays: Helm could not roll back
    # to a revision that has it from a failed one that has not.
    spare = f"NetworkPolicy/floe-{chart.name}-migrations selects no pod"
    has_hook = any(each["kind"] == "Job" for each in objects)
    assert [found for found in findings if has_hook or found != spare] == []


@each_scenario
def test_replicas_are_set_once_and_guarded_from_two_on(chart: Chart, scenario: str) -> None:
    objects = chart.objects(chart.scenarios[scenario])
    least = {"HorizontalPodAutoscaler": "minReplicas", "ScaledObject": "minReplicaCount"}
    scaled = {
        each["spec"]["scaleTargetRef"]["name"]: each["spec"][least[each["kind"]]]
        for each in objects
        if each["kind"] in least
    }
    scalers = [each for each in objects if each["kind"] in least]
    assert len(scalers) == len(scaled)
    guarded = [
        each["spec"]["selector"]["matchLabels"]
        for each in objects
        if each["kind"] == "PodDisruptionBudget"
    ]
    for thing in objects:
        if thing["kind"] not in ("Deployment", "StatefulSet"):
            continue
        name, fixed = thing["metadata"]["name"], thing["spec"].get("replicas")
        assert (fixed is None) == (name in scaled), name
        many = scaled.get(name, fixed) >= 2
        assert many == (thing["spec"]["selector"]["matchLabels"] in guarded), name
