"""Checks of the rules by which core finds and accepts a plugin."""

from __future__ import annotations

from importlib.metadata import entry_points

from floe_conformance.subject import Subject
from floe_core.plugin_interfaces import FLOE_API_VERSION, OrchestratorPlugin
from floe_core.plugin_registry import GROUP


class RegistrationChecks(Subject):
    """It is found under its own name, takes no arguments, and was made for this floe."""

    def test_it_is_an_orchestrator_plugin_with_three_texts(self) -> None:
        """`name`, `version` and `floe_api_version` are texts and not empty."""
        plugin = self.plugin()
        assert isinstance(plugin, OrchestratorPlugin)
        texts = {name: getattr(plugin, name, None) for name in ("name", "version")}
        assert [name for name, text in texts.items() if not (isinstance(text, str) and text)] == []

    def test_it_was_made_for_this_floe(self) -> None:
        """`floe_api_version` has core's major version, and no newer minor version."""
        major, minor = (int(part) for part in self.plugin().floe_api_version.split("."))
        core_major, core_minor = (int(part) for part in FLOE_API_VERSION.split("."))
        assert major == core_major
        assert minor <= core_minor

    def test_an_entry_point_of_its_name_leads_to_its_class(self) -> None:
        """The key under `floe.orchestrators` is the plugin's `name`, and has no other class."""
        plugin = self.plugin()
        points = entry_points(group=GROUP, name=plugin.name)
        assert {point.load() for point in points} == {type(plugin)}

    def test_it_is_constructed_without_arguments(self) -> None:
        """Core calls the class without arguments, and each call returns a new object."""
        make = type(self.plugin())
        assert make() is not make()
