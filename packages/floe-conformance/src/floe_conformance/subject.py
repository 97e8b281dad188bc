"""What the writer of a plugin supplies to the kit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from floe_conformance.kit_product import compile_kit_product
from floe_conformance.records import LoadedProduct, LoadedTransform, RanProduct
from floe_core.plugin_interfaces import OrchestratorPlugin
from floe_core.run_parameters import RunParameters
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

SECRET = "xK7-kept-from-all"
SECRET_VARIABLE = "FLOE_CONFORMANCE_SECRET"


class Subject(ABC):
    """The plugin under test, and a second way to see what its orchestrator made of a product.

    `shows_sources` is whether the orchestrator has an object for tables that others fill.
    """

    shows_sources: bool = True

    @abstractmethod
    def plugin(self) -> OrchestratorPlugin:
        """Return a fresh plugin, configured as in use."""

    @abstractmethod
    def look_at(self, definitions: Any, project_dir: Path) -> LoadedProduct:
        """Return what the orchestrator holds, asked of the orchestrator and not of the plugin.

        `definitions` is what `create_definitions` returned. `project_dir` is the compiled folder,
        for orchestrators that load a file from it.
        """

    def look_at_transforms(self, assets: Sequence[Any]) -> Sequence[LoadedTransform]:
        """Return what the orchestrator knows of assets made from transforms, in their order.

        Not supplied: the checks that need it are skipped.
        """
        raise NotImplementedError

    def connection_settings(self, url: str) -> Mapping[str, Any]:
        """Return settings that aim `validate_connection` at a URL.

        Secrets may be given by the name of the environment variable in `SECRET_VARIABLE`.
        """
        return {"url": url}

    def run(self, definitions: Any, project_dir: Path) -> RanProduct:
        """Run all of the product on the orchestrator, and return what it recorded of the run.

        What the orchestrator does by itself after a run is part of it, such as evaluating a sensor.
        The parameters are those of `look_at`. Not supplied: the checks that need it are skipped.
        """
        raise NotImplementedError

    def run_with(
        self, definitions: Any, project_dir: Path, parameters: RunParameters
    ) -> RanProduct:
        """Run the product with parameters given in the orchestrator's own form, as `run` does.

        Not supplied: the checks that need it are skipped.
        """
        raise NotImplementedError

    def run_and_cancel(
        self, definitions: Any, project_dir: Path, it_hangs: Callable[[], bool]
    ) -> RanProduct:
        """Run all of the product, cancel the run once it hangs, and return what was recorded of it.

        Cancel as a user of the orchestrator does. `it_hangs` tells, as often as it is asked,
        whether the build has come to a model that does not end. Returns when the orchestrator calls
        the run over. Not supplied: the checks that need it are skipped.
        """
        raise NotImplementedError

    def check_deadlines(self, definitions: Any, project_dir: Path) -> None:
        """Have the orchestrator look at deadlines once, as it does by itself.

        The parameters are those of `look_at`. Not supplied: the check that needs it is skipped.
        """
        raise NotImplementedError

    def run_in_pool(self, definitions: Any, project_dir: Path, pool: str, slots: int) -> int:
        """Run all of the product where a pool has so many slots, and return how many are taken.

        That is afterwards, as the orchestrator itself says. Not supplied: the checks that need it
        are skipped, as they are for a plugin that is not `NodePools`.
        """
        raise NotImplementedError

    @classmethod
    def compile(cls, folder: Path, changes: Mapping[str, str]) -> CompiledArtifacts:
        """Return the kit's product, compiled in this empty folder with some files changed."""
        return compile_kit_product(folder, cls().plugin().name, changes)

    @pytest.fixture(scope="class")
    @classmethod
    def product(cls, tmp_path_factory: pytest.TempPathFactory) -> CompiledArtifacts:
        """The kit's product, compiled for this plugin once."""
        return cls.compile(tmp_path_factory.mktemp("conformance"), {})

    def loaded(self, product: CompiledArtifacts) -> LoadedProduct:
        """Return what the orchestrator holds of a compiled product."""
        return self.look_at(self.plugin().create_definitions(product), product.folder)
