"""Checks of the file that an orchestrator loads, for plugins that are an `EntryPointWriter`."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from floe_conformance import kit_product
from floe_conformance.subject import Subject
from floe_core.plugin_api.powers import EntryPointWriter
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


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
