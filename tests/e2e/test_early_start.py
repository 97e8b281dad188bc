"""What `floe run` starts beside the compile is gone with it, whatever becomes of the compile."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

FLOE = Path(sys.executable).with_name("floe")
EXAMPLES = Path(__file__).parents[2] / "examples"
ORCHESTRATORS = ("dagster", "airflow", "prefect")
# It takes seconds to parse, and for ever.
SLOW = "{% for i in modules.itertools.repeat(0, 20000000) %}{% endfor %}select 1 as id\n"
ENDLESS = "{% for i in modules.itertools.count() %}{% endfor %}select 1 as id\n"


@pytest.fixture(params=ORCHESTRATORS)
def orchestrator(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    leave = shutil.ignore_patterns(".floe", "*.duckdb", "target")
    shutil.copytree(EXAMPLES / "hello", tmp_path / "hello", ignore=leave)
    shutil.copy(EXAMPLES / "manifest.yaml", tmp_path)
    return tmp_path / "hello"


def started(product: Path, orchestrator: str) -> subprocess.Popen[str]:
    command = [FLOE, "run", str(product), "--on", orchestrator, "--json"]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def started_early(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Return what a command has started once it has, and what that has started by now."""
    floe = psutil.Process(process.pid)
    deadline = time.monotonic() + 60
    while not floe.children():
        assert process.poll() is None, "it ended first"
        assert time.monotonic() < deadline, "it starts nothing"
        time.sleep(0.02)
    # Long enough for a server or a fork.
    time.sleep(3)
    return floe.children(recursive=True)


def are_gone(processes: list[psutil.Process], seconds: float = 30.0) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return not [each for each in alive if each.status() != psutil.STATUS_ZOMBIE]


def test_a_product_that_does_not_compile_is_reported_and_leaves_no_process(
    orchestrator: str, hello: Path
) -> None:
    (hello / "models" / "slow.sql").write_text(SLOW + "{{ ref('absent') }}")
    process = started(hello, orchestrator)
    early = started_early(process)
    out, _ = process.communicate(timeout=200)
    assert process.returncode == 1
    assert "absent" in out
    assert are_gone(early, seconds=2.0)


def test_a_command_that_is_killed_takes_them_along(orchestrator: str, hello: Path) -> None:
    (hello / "models" / "slow.sql").write_text(ENDLESS)
    process = started(hello, orchestrator)
    early = started_early(process)
    process.kill()
    process.communicate()
    assert are_gone(early)


def test_an_interrupt_while_dbt_parses_ends_them(orchestrator: str, hello: Path) -> None:
    (hello / "models" / "slow.sql").write_text(ENDLESS)
    process = started(hello, orchestrator)
    early = started_early(process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert are_gone(early, seconds=2.0)
