"""Checks of how core finds and accepts a plugin, and of the file that its orchestrator loads."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import PurePosixPath

import pytest

from floe_conformance import kit_product
from floe_conformance.subject import Subject
from floe_core.plugin_api.powers import EntryPointWriter
from floe_core.plugin_interfaces import FLOE_API_VERSION, OrchestratorPlugin
from floe_core.plugin_registry import GROUP
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


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


class EntryPointFileChecks(Subject):
    """The file is in the product folder, with the same text each time. Skipped if there is none."""

    def test_the_entry_point_file_is_in_the_folder_and_does_not_change(
        self, product: CompiledArtifacts
    ) -> None:
        """Compiling writes the file, and each call of `entry_point_file` returns the same one."""
        plugin, again = self.plugin(), self.plugin()
        if not isinstance(plugin, EntryPointWriter) or not isinstance(again, EntryPointWriter):
            pytest.skip("the plugin's orchestrator loads no file")
        file = plugin.entry_point_file(kit_product.NAME)
        assert again.entry_point_file(kit_product.NAME) == file
        assert PurePosixPath(file.filename).name == file.filename
        written = (product.folder / file.filename).read_text("utf-8")
        assert written.endswith(file.text)
