"""Two environments of one compiled product in one Dagster: each has its own schedules."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster_process import dagster_process
from free_port import free_port
from ticking_product import MANIFEST, compile_ticking_product
from wait_for import wait_for

from floe_core.compiler import compile_product
from floe_orchestrator_dagster import DagsterPlugin

FLOE = Path(sys.executable).with_name("floe")
ENVIRONMENTS = ("dev", "prod")
LOCATION = """\
import os

os.environ["FLOE_ENV"] = "{name}"
from floe_orchestrator_dagster.loader import load_product_definitions

defs = load_product_definitions("tick-shop", r"{folder}")
"""
SCHEDULE = """
query($selector: ScheduleSelector!) { scheduleOrError(scheduleSelector: $selector) {
  ... on Schedule { description scheduleState { status } }
} }
"""
RULE = "0 6 * * * in Europe/London"


class Dagster:
    """A webserver with a code location for each environment."""

    def __init__(self, folder: Path) -> None:
        self.url, self.folder = f"http://127.0.0.1:{free_port()}", folder / "product"
        compile_ticking_product(self.folder, "dagster")
        chosen = f'orchestrator: {{type: dagster, config: {{url: "{self.url}"}}}}'
        declared = "".join(f"  {name}: {{}}\n" for name in ENVIRONMENTS)
        manifest = MANIFEST.replace("orchestrator: {type: dagster}", chosen)
        (self.folder / "manifest.yaml").write_text(f"{manifest}environments:\n{declared}")
        compile_product(self.folder, orchestrator="dagster")
        self.home = folder / "home"
        self.home.mkdir()
        (self.home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
        for name in ENVIRONMENTS:
            text = LOCATION.format(name=name, folder=self.folder)
            (self.home / f"{name}.py").write_text(text)
        files = [
            {"python_file": {"relative_path": f"{name}.py", "location_name": name}}
            for name in ENVIRONMENTS
        ]
        (self.home / "workspace.yaml").write_text(json.dumps({"load_from": files}))

    def schedules(self) -> dict[str, tuple[str, str]]:
        """Return environment -> the rule and the state that Dagster reports there."""
        return {name: self._schedule(name) for name in ENVIRONMENTS}

    def _schedule(self, location: str) -> tuple[str, str]:
        selector = {
            "repositoryName": "__repository__",
            "repositoryLocationName": location,
            "scheduleName": "tick_shop_schedule",
        }
        body = json.dumps({"query": SCHEDULE, "variables": {"selector": selector}}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/graphql", body, headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            found = json.load(answer)["data"]["scheduleOrError"]
        return found["description"], found["scheduleState"]["status"]

    def change(self, *arguments: str) -> None:
        command = [str(FLOE), "schedule", arguments[0], str(self.folder), *arguments[1:]]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.fixture
def dagster(tmp_path: Path) -> Iterator[Dagster]:
    running = Dagster(tmp_path)
    plugin = DagsterPlugin()
    plugin.configure({"url": running.url})
    port = running.url.rpartition(":")[2]
    command = ["dagster-webserver", "-h", "127.0.0.1", "-p", port, "-w", "workspace.yaml"]
    with dagster_process(command, running.home):
        wait_for(lambda: "is running" in plugin.validate_connection().message, 90)
        yield running


def test_a_schedule_of_one_environment_leaves_that_of_the_other(dagster: Dagster) -> None:
    dagster.change("pause", "--env", "dev")
    assert dagster.schedules() == {"dev": (RULE, "STOPPED"), "prod": (RULE, "RUNNING")}
    dagster.change("set", "--env", "prod", "--cron", "30 2 * * *")
    own = "30 2 * * * in UTC"
    assert dagster.schedules() == {"dev": (RULE, "STOPPED"), "prod": (own, "RUNNING")}
    # Without an environment it is for all of them, but for those that have their own.
    dagster.change("resume", "--env", "dev")
    dagster.change("unset", "--reset", "--env", "dev")
    dagster.change("set", "--cron", "15 4 * * *")
    common = "15 4 * * * in UTC"
    assert dagster.schedules() == {"dev": (common, "RUNNING"), "prod": (own, "RUNNING")}
    dagster.change("unset", "--reset", "--env", "prod")
    assert dagster.schedules() == {"dev": (common, "RUNNING"), "prod": (common, "RUNNING")}
