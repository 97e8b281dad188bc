"""Checks of resources, and of the Helm values that carry them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest

from floe_conformance.subject import Subject
from floe_core.foundation.errors import EnvironmentProblemError, InvalidProductError
from floe_core.plugin_api.powers import ChartOwner
from floe_core.plugin_interfaces import WORKLOAD_SIZES, OrchestratorPlugin, ResourceSpec

OVERRIDE = ResourceSpec("123m", "3", "1234Mi", "5Gi")
_UNITS = {
    "": 1.0, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40,
}  # fmt: skip
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)([a-zA-Z]*)")

PRODUCTS = [
    {"name": "corner-shop", "image": "registry.example.com/kit/corner-shop:1.2.3"},
    {"name": "ledger", "image": "registry.example.com/kit/ledger:4.5.6"},
]
PRESET = ResourceSpec("123m", "3", "1234Mi", "5Gi")


class HelmValuesChecks(Subject):
    """The values are plain data, new objects on each call, and follow the settings.

    Skipped for a plugin without Helm values; the check of the schema also for one without a chart
    of its own.
    """

    def test_helm_values_are_plain_and_not_empty(self) -> None:
        """A dict that can be written as YAML and JSON."""
        values = _values(self.plugin())
        assert json.loads(json.dumps(values)) == values != {}

    def test_helm_values_are_the_same_each_time(self) -> None:
        """Two calls, and two plugins with the same settings, give equal values."""
        plugin = self.plugin()
        assert _values(plugin) == _values(plugin) == _values(self.plugin())

    def test_helm_values_are_nobody_elses(self) -> None:
        """No two calls share a dict or list, so changing one result never changes another."""
        plugin = self._set({"products": PRODUCTS})
        other = self._set({"products": PRODUCTS})
        first, second, third = _values(plugin), _values(plugin), _values(other)
        ids = [id(part) for values in (first, second, third) for part in _containers(values)]
        assert len(set(ids)) == len(ids)

    def test_helm_values_hold_the_resources_of_their_size(self) -> None:
        """With `helm.size`, they hold what `get_resource_requirements` returns for that size."""
        for size in WORKLOAD_SIZES:
            found = _texts(_values(self._set({"size": size})))
            resources = asdict(self.plugin().get_resource_requirements(size))
            assert {name: text for name, text in resources.items() if text not in found} == {}, size

    def test_helm_values_grow_with_their_size(self) -> None:
        """The three sizes give three different results."""
        answers = [_text(_values(self._set({"size": size}))) for size in WORKLOAD_SIZES]
        assert len(set(answers)) == len(WORKLOAD_SIZES)

    def test_resource_presets_reach_the_helm_values(self) -> None:
        """Resources that the manifest sets for the chosen size are those of the pods."""
        presets = {"medium": asdict(PRESET)}
        found = _texts(_values(self._set({"size": "medium"}, resource_presets=presets)))
        assert {name: text for name, text in asdict(PRESET).items() if text not in found} == {}

    def test_helm_values_name_each_product_and_its_image(self) -> None:
        """`helm.products`: each name, and each image's repository and tag, as one string or two."""
        values = _text(_values(self._set({"products": PRODUCTS})))
        wanted = [product["name"] for product in PRODUCTS]
        wanted += [part for product in PRODUCTS for part in product["image"].rsplit(":", 1)]
        assert [each for each in wanted if each not in values] == []

    def test_a_wrong_helm_setting_is_refused(self) -> None:
        """Two mistakes raise one `InvalidProductError` with a problem for each."""
        with pytest.raises(InvalidProductError) as refused:
            _values(self._set({"size": "huge", "prodcuts": PRODUCTS}))
        problems = [str(problem) for problem in refused.value.problems]
        assert [any(word in text for text in problems) for word in ("size", "prodcuts")] == [
            True,
            True,
        ]

    @pytest.mark.parametrize("size", WORKLOAD_SIZES)
    def test_the_chart_takes_the_helm_values(self, size: str) -> None:
        """Its values.schema.json accepts the values, and rejects an unknown top-level key."""
        plugin = self._set({"size": size, "products": PRODUCTS})
        values = json.loads(_text(_values(plugin)))
        if not isinstance(plugin, ChartOwner):
            pytest.skip("the plugin brings no chart")
        from jsonschema import Draft7Validator

        schema = json.loads((plugin.chart_folder() / "values.schema.json").read_text("utf-8"))
        check = Draft7Validator(schema)
        assert [error.message for error in check.iter_errors(values)] == []
        assert not check.is_valid({**values, "mispelt": True}), "the schema is not closed"

    def _set(self, helm: dict[str, Any], **others: Any) -> OrchestratorPlugin:
        plugin = self.plugin()
        plugin.configure({"helm": helm, **others})
        return plugin


def _values(plugin: OrchestratorPlugin) -> dict[str, Any]:
    try:
        return plugin.get_helm_values()
    except EnvironmentProblemError as error:
        pytest.skip(f"the plugin has no Helm values: {error}")


def _containers(value: Any) -> Iterator[Any]:
    """Yield each dict and list in a value, including the value itself."""
    if isinstance(value, dict | list):
        yield value
        for part in value.values() if isinstance(value, dict) else value:
            yield from _containers(part)


def _text(values: dict[str, Any]) -> str:
    """Return values as JSON, with `str` of what is not plain; another check covers that."""
    return json.dumps(values, default=str)


def _texts(value: Any) -> set[str]:
    """Return every text and number in a value, as text."""
    if isinstance(value, dict | list):
        parts = value.values() if isinstance(value, dict) else value
        return {text for part in parts for text in _texts(part)}
    return {str(value)}


class ResourceChecks(Subject):
    """Three sizes, each larger than the last, unless the manifest sets its own."""

    def test_the_sizes_grow_in_every_resource(self) -> None:
        """`small` < `medium` < `large` in each request and limit."""
        sizes = [_amounts(self.plugin().get_resource_requirements(s)) for s in WORKLOAD_SIZES]
        small, medium, large = sizes
        assert [name for name in small if not small[name] < medium[name] < large[name]] == []

    def test_no_request_is_above_its_limit(self) -> None:
        """Kubernetes refuses a pod that requests more than its limit."""
        for size in WORKLOAD_SIZES:
            amounts = _amounts(self.plugin().get_resource_requirements(size))
            assert amounts["cpu_request"] <= amounts["cpu_limit"], size
            assert amounts["memory_request"] <= amounts["memory_limit"], size

    @pytest.mark.parametrize("size", ["huge", "Small", ""])
    def test_another_size_is_refused_with_the_three(self, size: str) -> None:
        """`ValueError` whose message names the three sizes."""
        with pytest.raises(ValueError) as refused:  # noqa: PT011 - the text is checked below
            self.plugin().get_resource_requirements(size)
        assert [name for name in WORKLOAD_SIZES if name not in str(refused.value)] == []

    def test_resource_presets_replace_the_plugins_own(self) -> None:
        """`resource_presets` in the settings apply to the sizes they name, and to no other."""
        own, plugin = self.plugin(), self.plugin()
        plugin.configure({"resource_presets": {"medium": asdict(OVERRIDE)}})
        found = {size: plugin.get_resource_requirements(size) for size in WORKLOAD_SIZES}
        expected = {size: own.get_resource_requirements(size) for size in WORKLOAD_SIZES}
        assert found == {**expected, "medium": OVERRIDE}


def _amounts(resources: ResourceSpec) -> dict[str, float]:
    return {name: _amount(text) for name, text in asdict(resources).items()}


def _amount(quantity: str) -> float:
    """Return a Kubernetes quantity as a number, such as `500m` as 0.5."""
    found = _QUANTITY.fullmatch(quantity)
    assert found is not None, f"{quantity!r} is no Kubernetes quantity"
    assert found[2] in _UNITS, f"{quantity!r} is no Kubernetes quantity"
    return float(found[1]) * _UNITS[found[2]]
