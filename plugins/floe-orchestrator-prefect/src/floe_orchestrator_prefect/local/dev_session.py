"""Serve products to a developer: `prefect server start`, and each product served on it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from floe_core.foundation.child_processes import start_guarded
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.foundation.service_probe import NoAnswerError, send_request
from floe_core.plugin_api.launched_run.launch import end_served, last_lines
from floe_core.plugin_api.launched_run.process_launcher import (
    EndedRun,
    ProcessLauncher,
    StartedProcess,
)
from floe_core.plugin_api.launched_run.run_process import RunProgram
from floe_core.plugin_api.powers import DevOptions, RunReport, UncompiledProduct
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.storage.files import open_regular
from floe_orchestrator_prefect.local.launch import LAUNCHER
from floe_orchestrator_prefect.local.local_home import (
    local_environment,
    local_home,
    prepare_database,
)
from floe_orchestrator_prefect.local.own_server import RECORD_TOGETHER, STARTS_ITSELF
from floe_orchestrator_prefect.names.prefect_names import DEPLOYMENT, flow_name

START_SECONDS, REQUEST_SECONDS, POLL_SECONDS = 180.0, 10.0, 0.3
# The names of processes: the server's, and before that of a product, of what serves it.
_SERVER = "server"
_SERVING = "flows-"
_SERVE = """\
import sys
from floe_orchestrator_prefect.loader import load_product_flows
load_product_flows(sys.argv[1], sys.argv[2]).serve()
"""


@contextmanager
def serve_dev(
    products: Sequence[UncompiledProduct], options: DevOptions
) -> Iterator[PrefectSession]:
    """See `DevServer`. Products are served when they are compiled."""
    session = PrefectSession(options)
    try:
        session.start()
        yield session
    finally:
        session.stop()


class PrefectSession:
    """A Prefect server that has been started, and the processes that serve products on it.

    Each product has a process of its own: a change of one leaves runs of the others alone.
    """

    def __init__(self, options: DevOptions) -> None:
        self.pages = f"http://127.0.0.1:{options.port}"
        self.settings = {"url": f"{self.pages}/api"}
        self._options = options
        self._home = local_home(options.folder)
        self._environment = {
            **RECORD_TOGETHER,
            **local_environment(self._home),
            **options.variables,
            "PREFECT_API_URL": f"{self.pages}/api",
            "PREFECT_UI_URL": self.pages,
        }
        self._processes: dict[str, subprocess.Popen[str]] = {}
        self._served: dict[str, CompiledArtifacts] = {}

    def start(self) -> None:
        """Start the server."""
        prepare_database(self._home)
        port = str(self._options.port)
        command = ["-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port]
        self._start(_SERVER, [sys.executable, *command])

    def stop(self) -> None:
        """End all processes: first those that serve, which report the ends of their runs."""
        for name in reversed([*self._processes]):
            end_served(self._processes.pop(name))

    def take_up(self, artifacts: CompiledArtifacts) -> None:
        """See `DevSession`. A flow run reads the artifacts; deployments have jobs and schedules."""
        self._await("/health", _SERVER)
        name = artifacts.product.name
        process = _SERVING + name
        served = self._served.get(name)
        is_served = served is not None and (served.jobs, served.product) == (
            artifacts.jobs,
            artifacts.product,
        )
        if is_served:
            return
        if (serving := self._processes.pop(process, None)) is not None:
            end_served(serving)
        self._served[name] = artifacts
        self._start(process, [sys.executable, "-c", _SERVE, name, str(artifacts.folder)])
        try:
            for job in artifacts.jobs:
                self._await(f"/deployments/name/{flow_name(artifacts, job)}/{DEPLOYMENT}", process)
            self._delete_removed_jobs(artifacts)
        except EnvironmentProblemError:
            # The server and the other products go on.
            del self._served[name]
            end_served(self._processes.pop(process))
            raise

    def _delete_removed_jobs(self, artifacts: CompiledArtifacts) -> None:
        """Delete the deployments of jobs that the product no longer has; their runs stay."""
        product = artifacts.product.name
        wanted = {flow_name(artifacts, job) for job in artifacts.jobs}
        named = {"name": {"like_": product}}
        for flow in self._request("POST", "/flows/filter", {"flows": named}):
            name = str(flow["name"])
            if name not in wanted and name.startswith(f"{product}."):
                of_flow = {
                    "flows": {"id": {"any_": [flow["id"]]}},
                    "deployments": {"name": {"any_": [DEPLOYMENT]}},
                }
                for removed in self._request("POST", "/deployments/filter", of_flow):
                    self._request("DELETE", f"/deployments/{removed['id']}")

    def _request(self, method: str, path: str, body: object = None) -> Any:
        """Return what the API answers; None without a body.

        Raises:
            EnvironmentProblemError: It does not answer, or with an error.
        """
        deadline = time.monotonic() + REQUEST_SECONDS
        url = f"{self.pages}/api{path}"
        try:
            answer = send_request(method, url, json_body=body, deadline=deadline)
        except NoAnswerError as error:
            raise EnvironmentProblemError(f"Prefect does not respond: {error}") from None
        if answer.status >= 300:
            raise EnvironmentProblemError(f"Prefect answers {answer.status} at {url}")
        return json.loads(answer.body) if answer.body else None

    def problem(self) -> str:
        """See `DevSession`."""
        return self._end_of(_SERVER)

    def reap_products(self) -> dict[str, str]:
        """See `DevSession`: the process that serves a product may end alone."""
        found = {}
        for product in tuple(self._served):
            name = _SERVING + product
            if self._end_of(name):
                del self._served[product]
                end_served(self._processes.pop(name))
                log = self._log(name)
                found[product] = f"Prefect's process that serves {product} has ended; log: {log}"
        return found

    def _end_of(self, name: str) -> str:
        """Return how a process ended, with its last words; "" while it runs."""
        if self._processes[name].poll() is None:
            return ""
        return f"Prefect's process '{name}' ended; {last_lines(self._log(name))}"

    def start_early(self, product: UncompiledProduct) -> AbstractContextManager[StartedProcess]:
        """See `DevSession`: a run on this server, in a process of its own."""
        launcher = ProcessLauncher(
            lambda product: self._home,
            partial(_program, self._environment),
            partial(_report, self.pages),
        )
        return launcher.start_early(product)

    def _start(self, name: str, words: list[str]) -> None:
        with open_regular(self._log(name), "wb") as output:
            self._processes[name] = start_guarded(words, self._home, self._environment, output)

    def _log(self, name: str) -> Path:
        return self._home / f"dev-{name}.log"

    def _await(self, path: str, name: str) -> None:
        """Wait until the API answers with success.

        Raises:
            EnvironmentProblemError: A process ended, or the wait was too long.
        """
        deadline = time.monotonic() + START_SECONDS
        while not self._answers(path):
            if problem := self.problem() or self._end_of(name):
                raise EnvironmentProblemError(problem)
            if time.monotonic() > deadline:
                late = f"Prefect does not respond at {self.pages}/api{path}"
                raise EnvironmentProblemError(f"{late}; {last_lines(self._log(name))}")
            time.sleep(POLL_SECONDS)

    def _answers(self, path: str) -> bool:
        deadline = time.monotonic() + REQUEST_SECONDS
        try:
            return send_request("GET", f"{self.pages}/api{path}", deadline=deadline).status == 200
        except NoAnswerError:
            return False


def _program(environment: Mapping[str, str], product: UncompiledProduct, home: Path) -> RunProgram:
    # With this, a run looks for no server of its own.
    used = {**environment, STARTS_ITSELF: "1"}
    return replace(LAUNCHER.make_program(product, home), environment=used)


def _report(pages: str, ended: EndedRun) -> RunReport:
    report = LAUNCHER.report(ended)
    page = f"the run in Prefect's pages: {pages}/runs/flow-run/{report.run_id}"
    return replace(report, look_further=[page, *report.look_further[1:]])
