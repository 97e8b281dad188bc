"""How long a changed schedule takes until a running orchestrator has it, by its own API.

    .venv/bin/python benchmarks/schedule_uptake.py [--calls 5] [--json FILE]

Starts a Dagster webserver and a local Airflow, one after the other, and calls `schedule_job`. Wall
seconds: they depend on the machine, and there is no peer to compare with.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from measuring import QUIET, table

from floe_core.compiler import compile_product
from floe_core.plugin_interfaces import OrchestratorPlugin
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow import AirflowPlugin
from floe_orchestrator_airflow.local.home import USER
from floe_orchestrator_airflow.local.service import LocalAirflow
from floe_orchestrator_dagster import DagsterPlugin

EXAMPLES = Path(__file__).parents[1] / "examples"


def product_in(folder: Path, orchestrator: str) -> CompiledArtifacts:
    shutil.copytree(EXAMPLES / "hello", folder / "hello")
    shutil.copy(EXAMPLES / "manifest.yaml", folder)
    return compile_product(folder / "hello", orchestrator=orchestrator)


@contextmanager
def on_dagster(folder: Path) -> Iterator[OrchestratorPlugin]:
    """Yield a plugin whose webserver has the product."""
    artifacts = product_in(folder, "dagster")
    (folder / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    definitions = str(folder / "hello" / "definitions.py")
    webserver = subprocess.Popen(
        [
            str(Path(sys.executable).parent / "dagster-webserver"),
            "-p",
            str(port),
            "-f",
            definitions,
        ],
        env={**os.environ, **QUIET, "DAGSTER_HOME": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        plugin = DagsterPlugin()
        plugin.configure({"url": f"http://127.0.0.1:{port}"})
        plugin.create_definitions(artifacts)
        while "is running" not in plugin.validate_connection().message:
            time.sleep(0.5)
        yield plugin
    finally:
        webserver.terminate()
        webserver.wait()


@contextmanager
def on_airflow(folder: Path) -> Iterator[OrchestratorPlugin]:
    """Yield a plugin whose Airflow has the product."""
    artifacts = product_in(folder, "airflow")
    with LocalAirflow(folder / "airflow", artifacts, follows_schedules=True) as airflow:
        plugin = AirflowPlugin()
        password = airflow.home.password
        plugin.configure({"url": airflow.home.url, "username": USER, "password": password})
        plugin.create_definitions(artifacts)
        while airflow.api.dag("hello") is None:
            time.sleep(0.5)
        yield plugin


def uptakes(plugin: OrchestratorPlugin, calls: int) -> list[float]:
    """Return the seconds of each call, which returns when the orchestrator tells the new rule."""
    found = []
    for minute in range(calls):
        started = time.monotonic()
        plugin.schedule_job("hello", f"{minute} 5 * * *", "Europe/London")
        found.append(round(time.monotonic() - started, 2))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = {}
    for name, running in (("dagster", on_dagster), ("airflow", on_airflow)):
        with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as plugin:
            results[name] = uptakes(plugin, options.calls)
    rows = [
        [name, f"{statistics.median(found):.1f}", f"{max(found):.1f}"]
        for name, found in results.items()
    ]
    print(table(["", "median s", "longest s"], rows))
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
