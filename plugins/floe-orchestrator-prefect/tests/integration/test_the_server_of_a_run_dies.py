"""The Prefect server of a launched run is killed while dbt is running."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from plain_shop import FLOE

from floe_core.compiler import compile_product
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.powers import RunOptions
from floe_core.runs.build_events import BuildEvent, NodeStarted
from floe_core.runs.run_parameters import RunParameters
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_prefect import PrefectPlugin
from floe_orchestrator_prefect.local.local_home import local_home

FILES = {
    "dbt_project.yml": "name: shop\nversion: 1.0.0\nprofile: shop\nmodels: {+materialized: table}\n",
    "models/slow.sql": "select sum(hash(a.range + b.range) % 7) as n\n"
    "from range(2000000) a, range({{ 4000 if var('floe_is_slow', true) else 1 }}) b\n",
    "manifest.yaml": "apiVersion: floe.dev/v1\nkind: Manifest\n"
    "metadata: {name: platform, version: 1.0.0}\n"
    "plugins:\n  orchestrator: {type: prefect}\n"
    "  compute: {type: duckdb, config: {path: shop.duckdb, threads: 2}}\n",
    "floe.yaml": FLOE,
}


@pytest.fixture
def shop(tmp_path: Path) -> CompiledArtifacts:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return compile_product(tmp_path)


def command_of(process: psutil.Process) -> list[str]:
    """What a process was started with; nothing of one that is ending."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:  # a zombie is one of these
        return []


def kill_server() -> None:
    """Kill what serves Prefect's API among the processes below this one."""
    [server] = [
        process
        for process in psutil.Process().children(recursive=True)
        if any(part.endswith("local.server") for part in command_of(process))
    ]
    server.kill()


def test_the_run_ends_and_says_why(shop: CompiledArtifacts) -> None:
    def kill_once_it_runs(event: BuildEvent) -> None:
        if isinstance(event, NodeStarted):
            threading.Thread(target=kill_server).start()

    with pytest.raises(EnvironmentProblemError, match=r"Prefect server of this run is gone"):
        PrefectPlugin().launch_run(shop, RunOptions("shop"), kill_once_it_runs)
    again = RunOptions("shop", parameters=RunParameters(vars={"floe_is_slow": False}))
    report = PrefectPlugin().launch_run(shop, again, lambda event: None)
    assert (report.status, len(report.nodes)) == ("success", 1)
    # The run whose server died is not shown as running for good.
    with closing(sqlite3.connect(local_home(shop.folder) / "prefect.db")) as database:
        states = database.execute("select state_name from flow_run order by created").fetchall()
    assert states == [("Crashed",), ("Completed",)]
