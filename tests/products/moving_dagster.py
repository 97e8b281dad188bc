"""A Dagster that has a product, and perhaps a definitions file of its team beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from dagster_pages import asked
from dagster_process import dagster_process
from free_port import free_port
from moving_product import MovingProduct
from wait_for import wait_for

from floe_orchestrator_dagster import DagsterPlugin

RUNS = """{ runsOrError { ... on Runs { results { status tags { key value } } } } }"""


class MovingDagster:
    """A webserver and a daemon with the product; `team_file` is a second code location."""

    def __init__(self, product: MovingProduct, team_file: Path | None = None) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.artifacts = product.compile("dagster", {"url": self.url})
        self._home = product.folder / "dagster-home"
        self._files = {"mover": self.artifacts.folder / "definitions.py"}
        if team_file:
            self._files["team"] = team_file

    @contextmanager
    def up(self) -> Iterator[None]:
        self._home.mkdir(exist_ok=True)
        (self._home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
        locations = [
            {"python_file": {"relative_path": str(file), "location_name": name}}
            for name, file in self._files.items()
        ]
        (self._home / "workspace.yaml").write_text(json.dumps({"load_from": locations}))
        plugin = DagsterPlugin()
        plugin.configure({"url": self.url})
        webserver = ["dagster-webserver", "-p", self.port, "-w", "workspace.yaml"]
        with ExitStack() as stack:
            stack.enter_context(dagster_process(webserver, self._home))
            wait_for(lambda: "is running" in plugin.validate_connection().message, 120)
            daemon = ["dagster-daemon", "run", "-w", "workspace.yaml"]
            stack.enter_context(dagster_process(daemon, self._home))
            wait_for(lambda: plugin.validate_connection().success, 120)
            yield

    def runs(self, tag: str = "floe/nominal_time") -> list[tuple[datetime, str]]:
        """Return tick and status of each run whose tick is in a tag, from Dagster's run table."""
        results = asked(self.url, RUNS, {})["runsOrError"]["results"]
        tags = [({t["key"]: t["value"] for t in run["tags"]}, run["status"]) for run in results]
        return [(datetime.fromisoformat(t[tag]), status) for t, status in tags if tag in t]

    def built(self) -> list[datetime]:
        return [tick for tick, status in self.runs() if status == "SUCCESS"]

    def is_running(self) -> bool:
        return any(status == "STARTED" for _, status in self.runs())
