"""What is made first needs nothing that is made later, or an upgrade would wait for itself."""

from __future__ import annotations

import copy

from charts import Chart, each_chart, each_scenario
from helm_engine import Target
from release_order import made_too_late


@each_scenario
def test_an_upgrade_waits_for_nothing_that_waits_for_it(chart: Chart, scenario: str) -> None:
    objects = chart.objects(chart.scenarios[scenario])
    assert made_too_late(objects, chart.pods(objects)) == []


@each_scenario
def test_an_install_has_no_hook_that_something_could_wait_for(chart: Chart, scenario: str) -> None:
    objects = chart.objects(chart.scenarios[scenario], target=Target(is_upgrade=False))
    notes = [note for each in objects for note in each["metadata"].get("annotations", {})]
    assert [note for note in notes if note.startswith("helm.sh/hook")] == []


@each_chart
def test_what_a_hook_needs_and_only_the_upgrade_brings_is_found(chart: Chart) -> None:
    objects = copy.deepcopy(chart.objects({}))
    [account] = [
        each
        for each in objects
        if each["kind"] == "ServiceAccount" and each["metadata"]["name"].endswith("-migrations")
    ]
    del account["metadata"]["annotations"]["helm.sh/hook"]
    [job] = [each["metadata"]["name"] for each in objects if each["kind"] == "Job"]
    assert made_too_late(objects, chart.pods(objects)) == [
        f"Job/{job} needs ServiceAccount/{account['metadata']['name']}, which is made after it"
    ]
