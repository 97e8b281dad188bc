"""A Prefect server as a user starts it, and a product served there by its `flow.py`."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
from free_port import free_port
from own_group import BIN, started_in_own_group
from wait_for import wait_for

from floe_orchestrator_prefect.local.local_home import prepare_database


class RunningPrefect:
    """A server that can be stopped and started, its records kept in a folder.

    With a `url` it is one that runs already. Its database is an SQLite file, or where an URL of
    SQLAlchemy says. All its processes have the `variables`.
    """

    def __init__(
        self,
        folder: Path,
        url: str | None = None,
        database: str = "",
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = url or f"http://127.0.0.1:{self.port}/api"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._environment = {
            **{name: text for name, text in os.environ.items() if not name.startswith("PREFECT_")},
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_API_URL": self.url,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            # Scheduled runs are asked for this often; 10 s by default, and 15 by workers.
            "PREFECT_RUNNER_POLL_FREQUENCY": "2",
            "PREFECT_WORKER_QUERY_SECONDS": "2",
            **(variables or {}),
        }
        if database:
            self._environment["PREFECT_API_DATABASE_CONNECTION_URL"] = database

    @contextmanager
    def up(self) -> Iterator[None]:
        """Run the server while the block does."""
        home = self.folder / "prefect"
        home.mkdir(parents=True, exist_ok=True)
        prepare_database(home)
        command = ["prefect", "server", "start", "--host", "127.0.0.1", "--port", str(self.port)]
        with self.running("server", *command):
            wait_for(self._is_well, 120)
            yield

    @contextmanager
    def serving(
        self, project_dir: Path, script: str = "flow.py", name: str = "serve", **variables: str
    ) -> Iterator[None]:
        """Serve a compiled product while the block does, by `python flow.py` in its folder.

        Another script serves what it says. `name` is that of the log.
        """
        log = self._log(name)
        begun = log.stat().st_size if log.exists() else 0
        with self.running(name, "python", script, cwd=project_dir, variables=variables):
            wait_for(lambda: b"being served" in log.read_bytes()[begun:], 120)
            yield

    def serve(self, *project_dirs: Path) -> list[subprocess.Popen[bytes]]:
        """Serve compiled products until somebody ends the processes; they are up on return."""
        log = self._log("serve")
        begun = log.stat().st_size if log.exists() else 0
        processes = [
            started_in_own_group(["python", "flow.py"], log, folder, self._environment)
            for folder in project_dirs
        ]
        served = len(processes)
        wait_for(lambda: log.read_bytes()[begun:].count(b"being served") >= served, 120)
        return processes

    def call(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment to its end, in the folder of the server."""
        return subprocess.run(
            [BIN / program, *arguments],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def trigger(self, deployment: str) -> str:
        """Start a run as Prefect's pages do, and return its id."""
        place = f"/deployments/{self.deployment(deployment)['id']}/create_flow_run"
        return str(self.request("POST", place, {"state": {"type": "SCHEDULED"}})["id"])

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """Ask until the database, which is SQLite here, is free to answer: as Prefect's client."""
        deadline = time.monotonic() + 60
        while True:
            try:
                answer = httpx.request(method, f"{self.url}{path}", json=body, timeout=60)
            except httpx.ReadTimeout:
                # Two of the server's own writers have waited for each other, which ends now.
                is_question = method == "GET" or path.endswith("/filter")
                if not is_question or time.monotonic() > deadline + 60:
                    raise
                continue
            if answer.status_code != 503 or time.monotonic() > deadline:
                break
            time.sleep(0.5)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def deployment(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.request("GET", f"/deployments/name/{name}")
        return found

    def run(self, run_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.request("GET", f"/flow_runs/{run_id}")
        return found

    def runs(self, flow: str) -> list[dict[str, Any]]:
        """Return the runs of a flow, those that are only planned left out."""
        wanted = {"flows": {"name": {"any_": [flow]}}, "sort": "EXPECTED_START_TIME_ASC"}
        found = self.request("POST", "/flow_runs/filter", wanted)
        return [run for run in found if run["state"]["type"] != "SCHEDULED"]

    def ended(self, run_id: str, seconds: float = 120) -> str:
        """Return the name of the state that a run ends in."""
        final = {"COMPLETED", "FAILED", "CANCELLED", "CRASHED"}
        wait_for(lambda: self.run(run_id)["state"]["type"] in final, seconds)
        return str(self.run(run_id)["state"]["name"])

    def tasks(self, run_id: str) -> dict[str, str]:
        """Return the names of a run's tasks and the states they are in, dbt_build without a key."""
        wanted = {"flow_runs": {"id": {"any_": [run_id]}}}
        found = self.request("POST", "/task_runs/filter", wanted)
        # The server writes a run first and its state a moment later.
        named = [(run["name"], run["state"]["name"]) for run in found if run["state"]]
        return {
            name.rpartition("-")[0] if name.startswith("dbt_build-") else name: state
            for name, state in named
        }

    def cancel(self, run_id: str) -> None:
        """Ask for the end of a run as Prefect's pages do."""
        state = {"state": {"type": "CANCELLING", "name": "Cancelling"}}
        self.request("POST", f"/flow_runs/{run_id}/set_state", state)

    def process(self, name: str) -> psutil.Process:
        """Return a process that runs, by the name of its log."""
        return psutil.Process(self._processes[name].pid)

    def kill(self, name: str) -> None:
        """Kill a process that runs, by the name of its log, and whatever it has started."""
        os.killpg(self._processes[name].pid, signal.SIGKILL)

    def kill_alone(self, name: str) -> None:
        """Kill a process that runs, by the name of its log; what it has started goes on."""
        self._processes[name].kill()
        self._processes[name].wait()

    def has_ended(self, name: str) -> bool:
        """Return whether a process has ended of its own accord, by the name of its log."""
        return self._processes[name].poll() is not None

    def logs(self) -> str:
        """Return what server and served product wrote, for who reads a failing test."""
        return "\n".join(each.read_text() for each in sorted(self.folder.glob("*.log")))

    def _is_well(self) -> bool:
        try:
            return self.request("GET", "/health") is True
        except httpx.HTTPError:
            return False

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    @contextmanager
    def running(
        self,
        name: str,
        program: str,
        *arguments: str,
        cwd: Path | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> Iterator[None]:
        """Run a program of the environment while the block does; its output goes to a log."""
        environment = {**self._environment, **(variables or {})}
        process = started_in_own_group(
            [program, *arguments], self._log(name), cwd or self.folder, environment
        )
        self._processes[name] = process
        try:
            yield
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Stop a process as a person does, and whatever is left of its group."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
