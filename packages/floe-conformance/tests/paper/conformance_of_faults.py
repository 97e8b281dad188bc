"""The kit on the right paper plugin and on each broken one; run by the tests in tests/unit."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from paper_orchestrator import PaperBook, PaperPlugin, PaperTask
from planted_faults import FAULTS

from floe_conformance import LoadedJob, LoadedProduct, LoadedTransform, OrchestratorConformance
from floe_conformance.kit_product import NAME, compile_kit_product
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


class PaperConformance(OrchestratorConformance):
    plugin_class: type[PaperPlugin] = PaperPlugin

    def plugin(self) -> PaperPlugin:
        return self.plugin_class.made()

    def look_at(self, definitions: PaperBook, project_dir: Path) -> LoadedProduct:
        return LoadedProduct(
            {task.name: frozenset(task.waits_for) for task in definitions.tasks},
            {
                name: LoadedJob(frozenset(job.tasks), job.ticks if job.cron else None)
                for name, job in definitions.jobs.items()
            },
        )

    def look_at_transforms(self, assets: Sequence[PaperTask]) -> Sequence[LoadedTransform]:
        if not self.plugin_class.has_look_at_transforms:
            return super().look_at_transforms(assets)
        return [LoadedTransform(task.name, frozenset(task.waits_for)) for task in assets]

    @pytest.fixture(scope="class")
    @classmethod
    def product(cls, tmp_path_factory: pytest.TempPathFactory) -> CompiledArtifacts:
        """Compiled once for all: what differs between the faults is not in the artifacts."""
        folder = tmp_path_factory.mktemp(cls.__name__) / NAME
        shutil.copytree(compiled(), folder)
        return CompiledArtifacts.load(folder)


@cache
def compiled() -> Path:
    folder = compile_kit_product(Path(tempfile.mkdtemp()), PaperPlugin.name).project_dir
    assert folder is not None
    return folder


def conformance_of(plugin_class: type[PaperPlugin]) -> Any:
    name = f"Test{plugin_class.__name__}"
    return type(name, (PaperConformance,), {"plugin_class": plugin_class})


globals().update({f"Test{each.__name__}": conformance_of(each) for each in [PaperPlugin, *FAULTS]})
