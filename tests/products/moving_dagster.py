"""A Dagster that has a product, and perhaps a definitions file of its team beside it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from dagster_pages import asked
from dagster_process import dagster_process
from free_port import free_port
from moving_product import Built, MovingProduct
from other_clock import NO_OTHER_CLOCK
from own_group import started_in_own_group
from wait_for import wait_for
from waiting_step import kill_run

from floe_orchestrator_dagster import DagsterPlugin

RUNS = """query ($job: String) { runsOrError(filter: {pipelineName: $job}) { ... on Runs { results {
  runId status startTime endTime tags { key value } assetMaterializations { runId }
} } } }"""
# A killed run is run again, and a run that failed is not.
DAGSTER_YAML = """\
telemetry: {enabled: false}
run_monitoring: {enabled: true, poll_interval_seconds: 2}
run_retries: {enabled: true, max_retries: 2, retry_on_asset_or_op_failure: false}
"""
UNDER_WAY = {"QUEUED", "NOT_STARTED", "STARTING", "STARTED", "CANCELING"}
TO_START = 300
ENDED = {"SUCCESS": "success", "FAILURE": "failed"}


class DagsterOfMoves:
    """A webserver and a daemon with code locations, by name; `limits` are more of dagster.yaml."""

    def __init__(
        self, home: Path, clock: Mapping[str, str] = NO_OTHER_CLOCK, limits: str = ""
    ) -> None:
        self.home, self._clock, self._limits = home, clock, limits
        self.files: dict[str, Path] = {}
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._plugin = DagsterPlugin()
        self._plugin.configure({"url": self.url})
        self._daemon: subprocess.Popen[bytes] | None = None
        self._restarting = Lock()

    @contextmanager
    def up(self) -> Iterator[None]:
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "dagster.yaml").write_text(DAGSTER_YAML + self._limits)
        locations = [
            {"python_file": {"relative_path": str(file), "location_name": name}}
            for name, file in self.files.items()
        ]
        (self.home / "workspace.yaml").write_text(json.dumps({"load_from": locations}))
        webserver = ["dagster-webserver", "-p", self.port, "-w", "workspace.yaml"]
        with dagster_process(webserver, self.home, variables=self._clock):
            wait_for(self._is_running, TO_START)
            try:
                self.start_again()
                yield
            finally:
                assert self._daemon
                os.killpg(self._daemon.pid, signal.SIGINT)
                try:
                    self._daemon.wait(30)
                except subprocess.TimeoutExpired:
                    os.killpg(self._daemon.pid, signal.SIGKILL)
                    self._daemon.wait()

    def start_again(self) -> None:
        """Start the daemon."""
        ours = {"DAGSTER_HOME": str(self.home), "DAGSTER_DISABLE_TELEMETRY": "yes"}
        self._daemon = started_in_own_group(
            ["dagster-daemon", "run", "-w", "workspace.yaml"],
            self.home / "dagster-daemon.log",
            self.home,
            {**os.environ, **ours, **self._clock},
        )
        wait_for(lambda: self._plugin.validate_connection().success, TO_START)

    def kill(self) -> None:
        """Kill the daemon. A run in progress goes on, and the webserver still responds."""
        assert self._daemon
        self._daemon.kill()
        self._daemon.wait()

    def restart(self, seconds: float) -> None:
        """Kill the daemon, and start it again after so many seconds."""
        with self._restarting:
            self.kill()
            time.sleep(seconds)
            self.start_again()

    def _is_running(self) -> bool:
        return "is running" in self._plugin.validate_connection().message


class MovingDagster:
    """A product on a Dagster; `team_file` is a second code location."""

    name = "dagster"
    faults = ("daemon", "run")

    def __init__(
        self,
        product: MovingProduct,
        place: DagsterOfMoves | None = None,
        team_file: Path | None = None,
    ) -> None:
        self.place = place or DagsterOfMoves(product.folder / "dagster-home")
        self.artifacts = product.compile("dagster", {"url": self.place.url})
        self._job = product.name
        self.place.files[self._job] = self.artifacts.folder / "definitions.py"
        if team_file:
            self.place.files["team"] = team_file

    @contextmanager
    def up(self) -> Iterator[None]:
        with self.place.up(), self.deployed():
            yield

    def deployed(self) -> AbstractContextManager[None]:
        """Do nothing: a Dagster that is up has its code locations."""
        return nullcontext()

    def begin(self) -> None:
        """Do nothing: a schedule that is loaded starts its ticks."""

    def strike(self, fault: str, seconds: float) -> None:
        """Kill something, and start it again after so many seconds."""
        if fault == "run":
            kill_run(self.artifacts.folder)
        else:
            self.place.restart(seconds)

    def runs(self, tag: str = "floe/nominal_time") -> list[tuple[datetime, str]]:
        """Return tick and status of each run whose tick is in a tag, from Dagster's run table."""
        tags = [
            ({t["key"]: t["value"] for t in run["tags"]}, run["status"]) for run in self._runs()
        ]
        return [(datetime.fromisoformat(t[tag]), status) for t, status in tags if tag in t]

    def built(self) -> list[datetime]:
        return [tick for tick, status in self.runs() if status == "SUCCESS"]

    def ended(self) -> list[Built]:
        """Return the runs that built a table; one that is refused its tick fails before that."""
        found = []
        for run in self._runs():
            tags = {tag["key"]: tag["value"] for tag in run["tags"]}
            if run["status"] in ENDED and run["assetMaterializations"]:
                tick = datetime.fromisoformat(tags["floe/nominal_time"])
                times = (datetime.fromtimestamp(run[key], UTC) for key in ("startTime", "endTime"))
                found.append(Built(tick, ENDED[run["status"]], *times))
        return found

    def failed_to_begin(self) -> list[datetime]:
        """Return the ticks of runs that failed in the queue: their code location did not load."""
        return [
            datetime.fromisoformat(tag["value"])
            for run in self._runs()
            # Dagster's API gives the end of such a run as its start.
            if run["status"] == "FAILURE" and run["startTime"] in (None, run["endTime"])
            for tag in run["tags"]
            if tag["key"] == "floe/nominal_time"
        ]

    def is_running(self) -> bool:
        return any(status in UNDER_WAY for _, status in self.runs())

    def _runs(self) -> list[dict[str, object]]:
        return asked(self.place.url, RUNS, {"job": self._job})["runsOrError"]["results"]
