"""^C while dbt parses, and a disk that is full: said in a line, with the exit code of its kind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_disk import fill, small_disk

FLOE = Path(sys.executable).with_name("floe")
EXAMPLES = Path(__file__).parents[2] / "examples"


def copy_examples(folder: Path) -> Path:
    shutil.copytree(EXAMPLES, folder, ignore=shutil.ignore_patterns(".floe", "*.duckdb", "target"))
    return folder / "hello"


@pytest.mark.slow
def test_an_interrupt_while_dbt_parses_is_no_error_of_the_project(tmp_path: Path) -> None:
    product = copy_examples(tmp_path / "e")
    # It never ends to be parsed.
    (product / "models" / "slow.sql").write_text(
        "{% for i in modules.itertools.count() %}{% endfor %}select 1 as id"
    )
    # A script's background job ignores ^C, and so do its children unless told otherwise.
    process = subprocess.Popen(
        [FLOE, "compile", str(product)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        assert _waits_in_dbt(process.pid), "dbt does not parse"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "dbt" not in said


def _waits_in_dbt(pid: int) -> bool:
    """Wait until the process has used more time than it takes to begin to parse."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        used = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        if used > 9:
            return True
        time.sleep(0.1)
    return False


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk") as disk:
        yield disk


def test_a_full_disk_leaves_nothing_of_a_new_product(disk: Path) -> None:
    fill(disk, left=8192)
    done = subprocess.run(
        [FLOE, "init", str(disk / "new" / "shop")], capture_output=True, text=True
    )
    assert done.returncode == 3, done.stderr
    assert done.stderr.rstrip().endswith("No space left on device; nothing was changed")
    assert [each.name for each in disk.iterdir()] == ["ballast"]


@pytest.mark.slow
def test_a_full_disk_ends_a_run_with_what_to_do_and_json(disk: Path) -> None:
    product = copy_examples(disk / "e")
    subprocess.run([FLOE, "compile", str(product)], check=True, capture_output=True)
    fill(disk, left=2_000_000)
    done = subprocess.run(
        [FLOE, "run", str(product), "--json"], capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["status"] == "error"
    assert "make room and run again" in told["message"]
