"""Each chart renders with both engines of Helm, for old and new Kubernetes, and offline."""

from __future__ import annotations

from itertools import product

import kubernetes_schemas
import pytest
from charts import Chart, each_scenario
from helm_engine import ENGINES, KUBERNETES, Target, lint, render, rendered_text

TARGETS = [Target(engine, version) for engine, version in product(ENGINES, KUBERNETES)]


@each_scenario
def test_a_scenario_renders_objects_that_kubernetes_knows(chart: Chart, scenario: str) -> None:
    assert problems(chart, scenario, Target()) == []


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS, ids=lambda each: f"{each.engine}-{each.kubernetes}")
@each_scenario
def test_a_scenario_renders_everywhere(chart: Chart, scenario: str, target: Target) -> None:
    assert problems(chart, scenario, target) == []


def problems(chart: Chart, scenario: str, target: Target) -> list[str]:
    objects = render(chart.folder, chart.scenarios[scenario], target=target)
    assert objects
    return kubernetes_schemas.problems(objects, target.kubernetes)


@pytest.mark.parametrize("target", [TARGETS[0], TARGETS[-1]], ids=lambda each: each.engine)
@each_scenario
def test_lint_has_nothing_to_say(chart: Chart, scenario: str, target: Target) -> None:
    assert "0 chart(s) failed" in lint(chart.folder, chart.scenarios[scenario], target=target)


@each_scenario
def test_two_renders_are_the_same_bytes(chart: Chart, scenario: str) -> None:
    values = chart.scenarios[scenario]
    assert rendered_text(chart.folder, values) == rendered_text(chart.folder, values)


@each_scenario
def test_both_engines_render_the_same(chart: Chart, scenario: str) -> None:
    values = chart.scenarios[scenario]
    old, new = (render(chart.folder, values, target=Target(engine)) for engine in ENGINES)
    assert old == new
