"""An Airflow of separate processes, each of which can be killed and started again."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from own_group import BIN, started_in_own_group
from wait_for import wait_for

from floe_orchestrator_airflow.local.home import USER, Home
from floe_orchestrator_airflow.local.rest_api import RestApi, RestError

COMPONENTS = {
    "api-server": ["api-server"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}
TO_START = 180.0


class AirflowProcesses:
    """The processes on one home, which follows schedules. `settings` are Airflow's variables."""

    def __init__(self, folder: Path, settings: Mapping[str, str], port: int = 0) -> None:
        self.home = Home.prepare(folder, follows_schedules=True, port=port)
        self.environment = {**self.home.environment(os.environ), **settings}
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._groups: list[int] = []

    @contextmanager
    def up(self) -> Iterator[None]:
        """Run all processes while the block does, whatever was killed in it."""
        migrate = [BIN / "airflow", "db", "migrate"]
        subprocess.run(migrate, env=self.environment, check=True, capture_output=True)
        try:
            self.start("api-server")
            self.api = RestApi(self.home.url, USER, self.home.password)
            wait_for(self._answers, TO_START)
            self.api.log_in()
            for component in ("scheduler", "dag-processor", "triggerer"):
                self.start(component)
            yield
        finally:
            for group in self._groups:
                with suppress(ProcessLookupError):
                    os.killpg(group, signal.SIGKILL)

    def start(self, component: str) -> None:
        process = started_in_own_group(
            ["airflow", *COMPONENTS[component]],
            self.home.folder / f"{component}.log",
            self.home.folder,
            self.environment,
        )
        self.running[component] = process
        self._groups.append(process.pid)

    def kill(self, component: str) -> None:
        """Kill a process; those that it has started go on."""
        process = self.running.pop(component)
        process.kill()
        process.wait()

    def _answers(self) -> bool:
        try:
            self.api.ping()
        except RestError:
            return False
        return True
