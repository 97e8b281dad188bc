"""Plugins broken in how they serve a product to its developer."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from paper_dev import PaperDevRun, PaperSession, ServesOnPaper
from paper_orchestrator import PaperPlugin

from floe_core.execution import BuildEvent
from floe_core.plugin_api.powers import RunOptions, RunReport, UncompiledProduct
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


class ServesPagesThatAreMissing(ServesOnPaper, PaperPlugin):
    is_run = True
    caught_by = "test_the_pages_of_a_served_product_respond"

    def session(self, pages: str) -> PaperSession:
        session = PaperSession(pages)
        session.pages = f"{pages}/no-such-page"
        session.take_up = PaperSession(pages).take_up  # type: ignore[method-assign]
        return session


class _BuildsNothing(PaperDevRun):
    def launch_run(
        self,
        artifacts: CompiledArtifacts,
        options: RunOptions,
        on_event: Callable[[BuildEvent], None],
    ) -> RunReport:
        return RunReport("success", "of-a-developer", 0.0, {})


class _RunsNothing(PaperSession):
    @contextmanager
    def start_early(self, product: UncompiledProduct) -> Iterator[PaperDevRun]:
        yield _BuildsNothing()


class ServesRunsThatBuildNothing(ServesOnPaper, PaperPlugin):
    is_run = True
    caught_by = "test_a_served_product_is_built_when_it_runs"

    def session(self, pages: str) -> PaperSession:
        return _RunsNothing(pages)


class LeavesAProcessOfWhatItServed(ServesOnPaper, PaperPlugin):
    """It ends a minute later."""

    is_run = True
    caught_by = "test_nothing_of_a_served_product_is_left"

    def started(self, folder: Path, port: int) -> subprocess.Popen[str]:
        code = "import time; time.sleep(60)"
        subprocess.Popen([sys.executable, "-c", code, str(folder)], start_new_session=True)
        return super().started(folder, port)
