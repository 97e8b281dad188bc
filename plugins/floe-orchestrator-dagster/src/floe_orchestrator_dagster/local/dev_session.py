"""Serve products to a developer: `dagster dev`, on the instance of `floe run`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from floe_core.foundation.child_processes import start_guarded
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.foundation.service_probe import NoAnswerError
from floe_core.plugin_api.launched_run.launch import end_served, last_lines
from floe_core.plugin_api.launched_run.process_launcher import EndedRun, StartedProcess
from floe_core.plugin_api.powers import DevOptions, RunReport, UncompiledProduct
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.storage.files import open_regular
from floe_orchestrator_dagster.local.instance_home import WORKSPACE, home_of_products
from floe_orchestrator_dagster.local.launch import LAUNCHER, QUIET
from floe_orchestrator_dagster.service.code_locations import reload_location
from floe_orchestrator_dagster.service.graphql_client import (
    GraphqlClient,
    RefusedError,
    WebserverAccess,
)

# Words of their command lines: Dagster runs one of the first for each code location, which starts
# the second, and another one at each reload.
_RELOADS, _LOADED, _LOCATION = "code-server", "grpc", "--location-name"

START_SECONDS, REQUEST_SECONDS, POLL_SECONDS = 180.0, 60.0, 0.3
PROGRAM = "floe_orchestrator_dagster.local.dev_program"
_VERSION = "query { version }"


@contextmanager
def serve_dev(
    products: Sequence[UncompiledProduct], options: DevOptions
) -> Iterator[DagsterSession]:
    """See `DevServer`."""
    home = home_of_products(options.folder, products)
    log = home / "dagster-dev.log"
    with open_regular(log, "wb") as output:
        process = start_guarded(
            [
                *(sys.executable, "-m", PROGRAM, "--workspace", str(home / WORKSPACE)),
                *("--host", "127.0.0.1", "--port", str(options.port)),
            ],
            home,
            {**os.environ, **options.variables, **QUIET, "DAGSTER_HOME": str(home)},
            output,
        )
    try:
        yield DagsterSession(home, options.port, process, log)
    finally:
        end_served(process)


class DagsterSession:
    """A `dagster dev` that has been started: webserver, daemon and code server."""

    def __init__(self, home: Path, port: int, process: subprocess.Popen[str], log: Path) -> None:
        self.pages = f"http://127.0.0.1:{port}"
        self.settings = {"url": self.pages}
        self._home = home
        self._process = process
        self._log = log
        self._servers = CodeServers(process.pid)
        self._client = GraphqlClient(WebserverAccess(self.pages), REQUEST_SECONDS)

    def take_up(self, artifacts: CompiledArtifacts) -> None:
        """See `DevSession`."""
        self._await_pages()
        try:
            reload_location(self._client, artifacts.product.name)
        except (NoAnswerError, RefusedError) as error:
            raise EnvironmentProblemError(f"Dagster does not load it: {error}") from None
        self._servers.note(artifacts.product.name)

    def problem(self) -> str:
        """See `DevSession`."""
        if self._process.poll() is None:
            return ""
        return f"Dagster ended; {last_lines(self._log)}"

    def reap_products(self) -> dict[str, str]:
        """See `DevSession`: the code server of a product may end alone."""
        return {name: f"Dagster's code server of {name} has ended" for name in self._servers.reap()}

    def start_early(self, product: UncompiledProduct) -> AbstractContextManager[StartedProcess]:
        """See `DevSession`: a run on the same instance, in a process of its own."""
        launcher = replace(
            LAUNCHER,
            make_home=lambda product: self._home,
            report=partial(_report, self.pages),
        )
        return launcher.start_early(product)

    def _await_pages(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self._client.query(_VERSION)
            except (NoAnswerError, RefusedError) as error:
                if problem := self.problem():
                    raise EnvironmentProblemError(problem) from None
                if time.monotonic() > deadline:
                    late = f"Dagster's pages do not respond at {self.pages}: {error}"
                    raise EnvironmentProblemError(late) from None
            else:
                return
            time.sleep(POLL_SECONDS)


def _report(pages: str, ended: EndedRun) -> RunReport:
    report = LAUNCHER.report(ended)
    page = f"the run in Dagster's pages: {pages}/runs/{report.run_id}"
    return replace(report, look_further=[page, *report.look_further[1:]])


class CodeServers:
    """The code servers below a process; Dagster does not notice that one was killed."""

    def __init__(self, ancestor: int) -> None:
        self._ancestor = ancestor
        # Code location -> what reloads it, and what has loaded it.
        self._seen: dict[str, tuple[psutil.Process, psutil.Process]] = {}

    def note(self, location: str) -> None:
        """Note which process has loaded a code location."""
        with suppress(psutil.NoSuchProcess):
            if (found := self._find(location)) is not None:
                self._seen[location] = found

    def reap(self) -> Iterator[str]:
        """Yield once each code location that no process has loaded any more.

        Dagster itself starts again what reloads one, and a reload replaces what has loaded it.
        """
        for location, (reloads, loaded) in tuple(self._seen.items()):
            if not _runs(loaded):
                self.note(location)
                if self._seen[location][1] == loaded and _runs(reloads):
                    del self._seen[location]
                    yield location

    def _find(self, location: str) -> tuple[psutil.Process, psutil.Process] | None:
        for process in psutil.Process(self._ancestor).children(recursive=True):
            words = _words(process)
            if _RELOADS in words and (_LOCATION, location) in pairwise(words):
                loaded = [each for each in process.children() if _LOADED in _words(each)]
                if loaded:
                    return process, max(loaded, key=psutil.Process.create_time)
        return None


def _words(process: psutil.Process) -> list[str]:
    """Return the command line of a process, empty if it has ended."""
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return list(process.cmdline())
    return []


def _runs(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False
