"""Each key of values.yaml does something, and no other key is taken."""

from __future__ import annotations

from pathlib import Path

import pytest
import schema_closure
from chart_values import Place, keys, merged, with_value
from charts import CHARTS, Chart, each_chart
from helm_engine import HelmRefusedError, rendered_text
from jsonschema import Draft7Validator
from key_coverage import keys_without_effect, written_keys_without_effect

from floe_kubernetes.helm.values_file import value_comments

pytestmark = pytest.mark.long

BASES = Path(__file__).parent / "bases"
EXAMPLES = [(chart, name) for chart in CHARTS for name in chart.scenarios if name != "defaults"]
each_example = pytest.mark.parametrize(
    ("chart", "example"), EXAMPLES, ids=[f"{chart.name}-{name}" for chart, name in EXAMPLES]
)


def bases(chart: Chart) -> list[dict]:
    """Return values in which parts are on that are off by default, most of them in the first."""
    files = sorted((BASES / chart.name).glob("*.yaml"), key=lambda path: -path.stat().st_size)
    return [*map(merged, files), {}]


@each_chart
def test_each_key_changes_the_render(chart: Chart) -> None:
    assert keys_without_effect(chart.folder, chart.schema, bases(chart)) == []


@pytest.mark.slow
@each_example
def test_each_key_of_an_example_changes_what_it_renders(chart: Chart, example: str) -> None:
    values = chart.scenarios[example]
    assert written_keys_without_effect(chart.folder, chart.schema, values) == []


@each_chart
def test_the_schema_is_closed_and_stands_alone(chart: Chart) -> None:
    assert schema_closure.findings(chart.schema, chart.passed_through) == []


@each_chart
def test_the_schema_has_the_keys_of_the_defaults_and_no_other(chart: Chart) -> None:
    defaults = merged(chart.folder / "values.yaml")
    in_schema = {place for place, _ in keys(chart.schema, defaults) if place != ("global",)}
    assert in_schema == set(leaves(defaults, in_schema))


def leaves(values: object, stops: set[Place], place: Place = ()) -> list[Place]:
    if not isinstance(values, dict) or place in stops:
        return [place]
    return [leaf for key, part in values.items() for leaf in leaves(part, stops, (*place, key))]


@each_chart
def test_a_misspelt_key_is_refused_wherever_it_stands(chart: Chart) -> None:
    check = Draft7Validator(chart.schema)
    for base in bases(chart):
        values = merged(chart.folder / "values.yaml", base)
        assert [error.message for error in check.iter_errors(values)] == []
        parents = {place[:-1] for place, _ in keys(chart.schema, values)}
        taken = [p for p in parents if check.is_valid(with_value(values, (*p, "mispelt"), 1))]
        assert taken == []


@each_chart
def test_helm_refuses_a_misspelt_key_and_a_quantity_that_is_none(chart: Chart) -> None:
    for wrong in ({"mispelt": 1}, *quantities(chart)):
        with pytest.raises(HelmRefusedError, match=r"mispelt|cpu"):
            rendered_text(chart.folder, wrong)


def quantities(chart: Chart) -> list[dict]:
    defaults = merged(chart.folder / "values.yaml")
    places = [place for place, _ in keys(chart.schema, defaults) if place[-1] == "cpu"]
    assert places
    return [with_value({}, place, "lots") for place in places]


@each_chart
def test_each_key_is_described(chart: Chart) -> None:
    described = value_comments((chart.folder / "values.yaml").read_text())
    defaults = merged(chart.folder / "values.yaml")
    wanted = {place for place, _ in keys(chart.schema, defaults) if place != ("global",)}
    assert sorted(place for place in wanted if not described.get(place)) == []
