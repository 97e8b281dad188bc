"""The kit on a paper plugin."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from paper_orchestrator import PaperBook, PaperPlugin, PaperTask

from floe_conformance import (
    LoadedJob,
    LoadedProduct,
    LoadedTransform,
    OrchestratorConformance,
    RanProduct,
)
from floe_conformance.checks import alerts, made_runs
from floe_conformance.kit_product import NAME, compile_kit_product
from floe_core.runs.run_parameters import RunParameters
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


class PaperConformance(OrchestratorConformance):
    plugin_class: type[PaperPlugin] = PaperPlugin

    def plugin(self) -> PaperPlugin:
        return self.plugin_class.made()

    def look_at(self, definitions: PaperBook, project_dir: Path) -> LoadedProduct:
        return LoadedProduct(
            {task.name: frozenset(task.waits_for) for task in definitions.tasks},
            {
                name: LoadedJob(
                    frozenset(job.tasks),
                    job.ticks if job.cron else None,
                    catches_up=job.catches_up if job.cron else None,
                )
                for name, job in definitions.jobs.items()
            },
        )

    def look_at_transforms(self, assets: Sequence[PaperTask]) -> Sequence[LoadedTransform]:
        if not self.plugin_class.has_look_at_transforms:
            raise NotImplementedError
        return [LoadedTransform(task.name, frozenset(task.waits_for)) for task in assets]

    @classmethod
    def compile(cls, folder: Path, changes: Mapping[str, str]) -> CompiledArtifacts:
        """Compiled once for all: what differs between the faults is not in the artifacts."""
        shutil.copytree(compiled(tuple(changes.items())), folder / NAME)
        return CompiledArtifacts.load(folder / NAME)


@cache
def compiled(changes: tuple[tuple[str, str], ...]) -> Path:
    folder = Path(tempfile.mkdtemp())
    compile_kit_product(folder, PaperPlugin.name, dict(changes))
    return folder / NAME


def run(subject: PaperConformance, definitions: PaperBook, project_dir: Path) -> RanProduct:
    page = definitions.run()
    return RanProduct(page.is_green, frozenset(page.ticked_off))


def run_with(
    subject: PaperConformance,
    definitions: PaperBook,
    project_dir: Path,
    parameters: RunParameters,
) -> RanProduct:
    page = definitions.run(parameters)
    return RanProduct(page.is_green, frozenset(page.ticked_off))


def run_and_cancel(
    subject: PaperConformance,
    definitions: PaperBook,
    project_dir: Path,
    it_hangs: Callable[[], bool],
) -> RanProduct:
    page = definitions.run_and_cancel(it_hangs)
    return RanProduct(page.is_green, frozenset(page.ticked_off))


def check_deadlines(subject: PaperConformance, definitions: PaperBook, project_dir: Path) -> None:
    definitions.look_at_the_clock()


def run_in_pool(
    subject: PaperConformance, definitions: PaperBook, project_dir: Path, pool: str, slots: int
) -> int:
    return definitions.run_in_pool(slots)


def run_for_tick(
    subject: PaperConformance, definitions: PaperBook, project_dir: Path, tick: datetime
) -> RanProduct:
    page = definitions.run_for_tick(tick)
    return RanProduct(page.is_green, frozenset(page.ticked_off))


def conformance_of(plugin_class: type[PaperPlugin]) -> Any:
    """Return the kit for a plugin. A build takes seconds: only faults of runs are run."""
    members: dict[str, Any] = {"plugin_class": plugin_class}
    if plugin_class.is_run:
        members.update(run=run, run_with=run_with, run_and_cancel=run_and_cancel)
        members.update(check_deadlines=check_deadlines, run_in_pool=run_in_pool)
        members.update(run_for_tick=run_for_tick)
    return type(f"Test{plugin_class.__name__}", (PaperConformance,), members)


# Of builds that are copied, all that is told is there at once.
made_runs.PATIENCE_SECONDS = alerts.PATIENCE_SECONDS = 2.0
alerts.QUIET_SECONDS = 0.0
