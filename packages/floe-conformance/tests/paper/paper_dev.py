"""How the paper orchestrator is served to a developer: its pages are files of a folder."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from recorded_builds import recorded_build

from floe_core.execution import BuildEnded, BuildEvent, BuildRequest, NodeResult
from floe_core.foundation.child_processes import start_guarded
from floe_core.plugin_api.powers import DevOptions, RunOptions, RunReport, UncompiledProduct
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


class PaperDevRun:
    def launch_run(
        self,
        artifacts: CompiledArtifacts,
        options: RunOptions,
        on_event: Callable[[BuildEvent], None],
    ) -> RunReport:
        events = recorded_build(artifacts, BuildRequest(options.job, "of-a-developer"))
        results = {each.unique_id: each for each in events if isinstance(each, NodeResult)}
        is_green = any(isinstance(each, BuildEnded) and each.succeeded for each in events)
        return RunReport("success" if is_green else "failed", "of-a-developer", 0.0, results)

    def cancel(self) -> None:
        pass

    def has_ended(self) -> bool:
        return False


class PaperSession:
    def __init__(self, pages: str) -> None:
        self.pages = pages
        self.settings = {"url": pages}

    def take_up(self, artifacts: CompiledArtifacts) -> None:
        while True:
            try:
                urllib.request.urlopen(self.pages)
            except OSError:
                time.sleep(0.1)
            else:
                return

    def problem(self) -> str:
        return ""

    def reap_products(self) -> dict[str, str]:
        return {}

    @contextmanager
    def start_early(self, product: UncompiledProduct) -> Iterator[PaperDevRun]:
        yield PaperDevRun()


class ServesOnPaper:
    """A server of files, which ends with the block."""

    dev_port = 8000

    @contextmanager
    def serve_dev(
        self, products: Sequence[UncompiledProduct], options: DevOptions
    ) -> Iterator[PaperSession]:
        server = self.started(options.folder, options.port)
        try:
            yield self.session(f"http://127.0.0.1:{options.port}")
        finally:
            self.end(server)

    def started(self, folder: Path, port: int) -> subprocess.Popen[str]:
        command = ["-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory"]
        environment = {**os.environ, "PAPER_FOLDER": str(folder)}
        words = [sys.executable, *command, str(folder)]
        return start_guarded(words, folder, environment, subprocess.DEVNULL)

    def session(self, pages: str) -> PaperSession:
        return PaperSession(pages)

    def end(self, server: subprocess.Popen[str]) -> None:
        assert server.stdin is not None
        server.stdin.close()
        server.wait()
