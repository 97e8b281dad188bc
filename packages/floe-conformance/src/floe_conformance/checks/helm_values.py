"""What `get_helm_values` gives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from floe_conformance.subject import Subject
from floe_core.errors import EnvironmentProblemError
from floe_core.plugin_interfaces import OrchestratorPlugin


class HelmValuesChecks(Subject):
    """Plain values, made anew each time. Skipped for a plugin that says it has no chart."""

    def test_helm_values_are_plain_and_not_empty(self) -> None:
        """A dict that YAML and JSON can hold."""
        values = _values(self.plugin())
        assert json.loads(json.dumps(values)) == values != {}

    def test_helm_values_are_the_same_each_time(self) -> None:
        """Two calls, and two plugins with the same settings, give equal values."""
        plugin = self.plugin()
        assert _values(plugin) == _values(plugin) == _values(self.plugin())

    def test_helm_values_are_nobody_elses(self) -> None:
        """No dict or list in them is in another answer too: who changes one changes one."""
        plugin = self.plugin()
        first, second, third = _values(plugin), _values(plugin), _values(self.plugin())
        ids = [id(part) for values in (first, second, third) for part in _containers(values)]
        assert len(set(ids)) == len(ids)


def _values(plugin: OrchestratorPlugin) -> dict[str, Any]:
    try:
        return plugin.get_helm_values()
    except EnvironmentProblemError as error:
        pytest.skip(f"the plugin has no Helm values: {error}")


def _containers(value: Any) -> Iterator[Any]:
    """Yield each dict and list in a value, itself included."""
    if isinstance(value, dict | list):
        yield value
        for part in value.values() if isinstance(value, dict) else value:
            yield from _containers(part)
