"""Run chosen tests in forks of one process, which has imported what is slow to import and not ours.

Reads a line of JSON for each run: the tests in their order, and the most seconds. Answers with how
it ended: "passed", "timeout", or what failed, which is a test or "collection".
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import psutil
import pytest

SLOW = (
    "dbt.cli.main",
    "dbt.adapters.duckdb",
    "dbt_common.tests",
    "dagster",
    "hypothesis.strategies",
    "sqlglot",
    "jsonschema",
    "ruamel.yaml",
    "pygments",
    "xdist.plugin",
    "anyio.pytest_plugin",
)
PR_SET_CHILD_SUBREAPER = 36


class ChosenTests:
    """A plugin of pytest: these tests alone, in this order but for those of the same file."""

    def __init__(self, tests: Sequence[str]) -> None:
        self.tests = tests
        self.failed = "collection"

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out all others."""
        files = list(dict.fromkeys(test.partition("::")[0] for test in self.tests))
        chosen = [item for item in items if item.nodeid in set(self.tests)]
        items[:] = sorted(chosen, key=lambda item: files.index(item.nodeid.partition("::")[0]))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep which failed."""
        if report.failed:
            self.failed = report.nodeid


def run(tests: Sequence[str], seconds: float, folder: Path) -> str:
    """Return how these tests end in a fork."""
    result = folder / "result"
    result.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        _be_pytest(tests, folder)
    end = time.monotonic() + seconds
    while (
        time.monotonic() < end and not result.exists() and os.waitpid(child, os.WNOHANG) == (0, 0)
    ):
        time.sleep(0.05)
    _kill_all_below()
    if result.exists():
        return result.read_text("utf-8")
    return "timeout" if time.monotonic() >= end else "death"


def _be_pytest(tests: Sequence[str], folder: Path) -> None:
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    plugin = ChosenTests(tests)
    files = dict.fromkeys(test.partition("::")[0] for test in tests)
    options = ["-x", "-q", "--tb=line", "-p", "no:cacheprovider", f"--basetemp={folder / 'tmp'}"]
    code = pytest.main([*options, *files], plugins=[plugin])
    ended = "passed" if code == pytest.ExitCode.OK else plugin.failed
    (folder / "new").write_text(ended, "utf-8")
    (folder / "new").replace(folder / "result")
    os._exit(0)


def _kill_all_below() -> None:
    while below := psutil.Process().children(recursive=True):
        for process in below:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(below, timeout=5)


def main() -> None:
    """Run what standard input asks for; what its processes leave running is killed each time."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    for name in SLOW:
        import_module(name)
    folder = Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    # What is imported here is no garbage of a fork.
    gc.freeze()
    for line in sys.stdin:
        job = json.loads(line)
        print(json.dumps(run(job["tests"], job["seconds"], folder)), flush=True)


if __name__ == "__main__":
    main()
