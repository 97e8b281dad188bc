"""A launched run whose server can't be started by its parts, or not at all."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import psutil
import pytest

from floe_core.compiler import compile_product
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.powers import RunOptions
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_prefect import PrefectPlugin
from floe_orchestrator_prefect.local.own_server import start_server

EXAMPLES = Path(__file__).parents[4] / "examples"
# In the server's process alone.
IN_SERVER = """
import sys
if "floe_orchestrator_prefect.local.server" in sys.orig_argv:
    from floe_orchestrator_prefect import internals
    def serve_for_one_run(listening):
        {does}
    internals.serve_for_one_run = serve_for_one_run
"""


@pytest.fixture
def hello(tmp_path: Path) -> CompiledArtifacts:
    leave = shutil.ignore_patterns(".floe", "*.duckdb", "target")
    shutil.copytree(EXAMPLES / "hello", tmp_path / "hello", ignore=leave)
    shutil.copy(EXAMPLES / "manifest.yaml", tmp_path)
    return compile_product(tmp_path / "hello", orchestrator="prefect")


def change_server(does: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(IN_SERVER.format(does=does))
    monkeypatch.setenv("PYTHONPATH", str(site))


def test_prefect_starts_its_server_where_the_parts_are_missing(
    hello: CompiledArtifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_server("raise internals.NoServerError", tmp_path, monkeypatch)
    report = PrefectPlugin().launch_run(hello, RunOptions("hello"), lambda event: None)
    assert (report.status, len(report.nodes)) == ("success", 5)
    [log] = (tmp_path / "hello/.floe/prefect/launched").iterdir()
    assert "Beginning flow run" in log.read_text()


def test_a_server_that_does_not_start_says_why(
    hello: CompiledArtifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_server("raise OSError('the disk is gone')", tmp_path, monkeypatch)
    with pytest.raises(EnvironmentProblemError) as raised:
        PrefectPlugin().launch_run(hello, RunOptions("hello"), lambda event: None)
    assert "the disk is gone" in str(raised.value)
    assert "Prefect's server did not start" in str(raised.value)


def test_a_server_without_work_rests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    server = start_server()
    assert server is not None
    try:
        server.await_answer()
        [process] = [
            each for each in psutil.Process().children() if "local.server" in command(each)
        ]
        time.sleep(3)
        before = process.cpu_times()
        time.sleep(5)
        after = process.cpu_times()
    finally:
        server.stop()
    assert after.user + after.system - before.user - before.system < 1.5


def command(process: psutil.Process) -> str:
    return " ".join(process.cmdline())
