"""Names: as long as Kubernetes takes them, and different for different releases and products."""

from __future__ import annotations

from functools import cache

import pytest
import strict_yaml
from charts import CHARTS, Chart, each_chart, each_scenario
from helm_engine import Object, rendered_text

LONGEST = "a" * 50 + "-bc"
OTHER = "a" * 50 + "-bd"


@cache
def objects(plugin: str, scenario: str, release: str) -> list[Object]:
    """Return what a scenario renders under the name of a release."""
    [chart] = [each for each in CHARTS if each.plugin == plugin]
    text = rendered_text(chart.folder, chart.scenarios[scenario], release=release)
    return strict_yaml.documents(text)


def names(chart: Chart, release: str) -> dict[str, set[str]]:
    """Return kind -> the names of its objects, with every example at once too long to be nice."""
    found: dict[str, set[str]] = {}
    for scenario in chart.scenarios:
        for thing in objects(chart.plugin, scenario, release):
            found.setdefault(thing["kind"], set()).add(thing["metadata"]["name"])
    return found


@each_chart
def test_a_release_with_the_longest_name_has_names_that_fit(chart: Chart) -> None:
    found = names(chart, LONGEST)
    assert [name for of in found.values() for name in of if len(name) > 63] == []


@each_chart
def test_releases_that_differ_at_the_end_of_a_long_name_share_no_object(chart: Chart) -> None:
    one, other = names(chart, LONGEST), names(chart, OTHER)
    assert {kind: one[kind] & other[kind] for kind in one if one[kind] & other[kind]} == {}


@each_scenario
def test_no_label_is_longer_than_a_label_may_be(chart: Chart, scenario: str) -> None:
    labels = [
        str(value)
        for thing in objects(chart.plugin, scenario, LONGEST)
        for value in thing["metadata"].get("labels", {}).values()
    ]
    assert [value for value in labels if len(value) > 63] == []


@pytest.mark.parametrize("key", ["nameOverride", "fullnameOverride"])
@each_chart
def test_an_override_names_every_object(chart: Chart, key: str) -> None:
    found = strict_yaml.documents(rendered_text(chart.folder, {key: "chosen"}))
    assert [t["metadata"]["name"] for t in found if "chosen" not in t["metadata"]["name"]] == []
