"""Every pod, those that are launched later included, runs where only restricted pods may."""

from __future__ import annotations

import restricted_pods
from charts import Chart, each_scenario


@each_scenario
def test_no_pod_asks_for_more_than_a_restricted_one_may(chart: Chart, scenario: str) -> None:
    objects = chart.objects(chart.scenarios[scenario])
    assert restricted_pods.findings(chart.pods(objects), chart.launchers_in(scenario)) == []


@each_scenario
def test_pods_are_launched_where_the_chart_says_so(chart: Chart, scenario: str) -> None:
    """What the tests above say of launched pods is said of at least one."""
    launched = list(chart.launched(chart.objects(chart.scenarios[scenario])))
    assert bool(launched) == bool(chart.launchers_in(scenario))


@each_scenario
def test_each_component_has_a_service_account_of_its_own(chart: Chart, scenario: str) -> None:
    accounts: dict[str, set[str]] = {}
    for pod in chart.pods(chart.objects(chart.scenarios[scenario])):
        accounts.setdefault(pod.spec["serviceAccountName"], set()).add(pod.component)
    assert [name for name, users in accounts.items() if len(users) > 1] == []
