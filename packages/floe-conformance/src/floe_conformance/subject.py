"""The base class through which the author of a plugin connects it to the kit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from floe_conformance.kit_product import compile_kit_product
from floe_conformance.records import LoadedProduct, LoadedTransform, RanProduct
from floe_core.plugin_interfaces import OrchestratorPlugin
from floe_core.runs.run_parameters import RunParameters
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

SECRET = "xK7-kept-from-all"
SECRET_VARIABLE = "FLOE_CONFORMANCE_SECRET"


class Subject(ABC):
    """The plugin under test, and a view of its orchestrator that does not go through the plugin.

    `shows_sources` is whether the orchestrator represents dbt sources as objects of their own.
    `shows_nodes` is whether it shows each node of a product; without, the kit's product asks for
    `granularity: product`, checks of the graph are skipped, and `run` returns the nodes that the
    orchestrator has the results of.
    """

    shows_sources: bool = True
    shows_nodes: bool = True

    @abstractmethod
    def plugin(self) -> OrchestratorPlugin:
        """Return a new plugin, configured as in production."""

    @abstractmethod
    def look_at(self, definitions: Any, project_dir: Path) -> LoadedProduct:
        """Return what the orchestrator has loaded, as reported by the orchestrator, not the plugin.

        `definitions` is what `create_definitions` returned. `project_dir` is the compiled folder,
        for orchestrators that load a file from it.
        """

    def look_at_transforms(self, assets: Sequence[Any]) -> Sequence[LoadedTransform]:
        """Return the orchestrator's records of assets made from transforms, in the same order.

        If not implemented, the checks that need it are skipped.
        """
        raise NotImplementedError

    def connection_settings(self, url: str) -> Mapping[str, Any]:
        """Return settings that make `validate_connection` connect to a URL.

        For a secret, a setting may name the environment variable `SECRET_VARIABLE`.
        """
        return {"url": url}

    def run(self, definitions: Any, project_dir: Path) -> RanProduct:
        """Run the whole product on the orchestrator, and return what it recorded about the run.

        Include what the orchestrator does by itself after a run, such as evaluating a sensor.
        Takes the same parameters as `look_at`. If not implemented, the checks that need it are
        skipped.
        """
        raise NotImplementedError

    def run_with(
        self, definitions: Any, project_dir: Path, parameters: RunParameters
    ) -> RanProduct:
        """Run the product like `run`, with run parameters passed in the orchestrator's own form.

        If not implemented, the checks that need it are skipped.
        """
        raise NotImplementedError

    def run_and_cancel(
        self, definitions: Any, project_dir: Path, it_hangs: Callable[[], bool]
    ) -> RanProduct:
        """Run the whole product, cancel the run once it hangs, and return what was recorded of it.

        Cancel it the way a user of the orchestrator would. Poll `it_hangs`: it returns True once
        the build has reached a model that does not end. Return when the orchestrator reports the
        run as finished. If not implemented, the checks that need it are skipped.
        """
        raise NotImplementedError

    def check_deadlines(self, definitions: Any, project_dir: Path) -> None:
        """Make the orchestrator check deadlines once, as it does by itself.

        Takes the same parameters as `look_at`. If not implemented, the check that needs it is
        skipped.
        """
        raise NotImplementedError

    def run_in_pool(self, definitions: Any, project_dir: Path, pool: str, slots: int) -> int:
        """Run the whole product with `slots` slots in `pool`; return how many are taken afterwards.

        The number must come from the orchestrator itself. If not implemented, or if the plugin is
        not a `NodePools`, the checks that need it are skipped.
        """
        raise NotImplementedError

    def run_for_tick(self, definitions: Any, project_dir: Path, tick: datetime) -> RanProduct:
        """Do what the orchestrator does, late, for a tick of the product's own schedule.

        If it starts no run, return a `RanProduct` with nothing done. If not implemented, the checks
        that need it are skipped.
        """
        raise NotImplementedError

    @classmethod
    def compile(cls, folder: Path, changes: Mapping[str, str]) -> CompiledArtifacts:
        """Return the kit's product, compiled in this empty folder with some files changed.

        `changes` maps file -> its text.
        """
        return compile_kit_product(
            folder, cls().plugin().name, changes, shows_nodes=cls.shows_nodes
        )

    @pytest.fixture(scope="class")
    @classmethod
    def product(cls, tmp_path_factory: pytest.TempPathFactory) -> CompiledArtifacts:
        """The kit's product, compiled once for this plugin."""
        return cls.compile(tmp_path_factory.mktemp("conformance"), {})

    def load(self, product: CompiledArtifacts) -> LoadedProduct:
        """Return what the orchestrator has loaded of a compiled product."""
        return self.look_at(self.plugin().create_definitions(product), product.folder)
