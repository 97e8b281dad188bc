"""Checks of `get_resource_requirements`."""

from __future__ import annotations

import re
from dataclasses import asdict

import pytest

from floe_conformance.subject import Subject
from floe_core.plugin_interfaces import WORKLOAD_SIZES, ResourceSpec

OVERRIDE = ResourceSpec("123m", "3", "1234Mi", "5Gi")
_UNITS = {
    "": 1.0, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40,
}  # fmt: skip
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)([a-zA-Z]*)")


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
