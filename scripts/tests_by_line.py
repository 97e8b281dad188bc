"""Measure which tests of `make test` run which lines, and how long each takes.

It is a plugin of pytest as well: it names the running test to coverage.py, which an environment
variable starts in every Python process below this one.

    uv pip install coverage
    python scripts/tests_by_line.py
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import coverage
import pytest
from coverage.numbits import numbits_to_nums

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "mutants"
DATA = BUILD / "coverage"
SECONDS = BUILD / "seconds.tsv"
PROCESSES = 2
SETTINGS = f"""\
[run]
data_file = {DATA}
parallel = true
include =
    {ROOT}/packages/*/src/*
    {ROOT}/plugins/*/src/*
disable_warnings = no-data-collected
patch =
    _exit
    fork
context = ${{PYTEST_CURRENT_TEST-}}
"""

# What PYTEST_CURRENT_TEST says after the name of the test.
WHEN = re.compile(r" \((setup|call|teardown)\)$")


def measure() -> None:
    """Run `make test` with coverage; the results are in `build/mutants`."""
    shutil.rmtree(BUILD, ignore_errors=True)
    BUILD.mkdir(parents=True)
    settings = BUILD / "settings.ini"
    settings.write_text(SETTINGS)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "scripts.tests_by_line",
        "-p",
        "no:cacheprovider",
    ]
    command += ["-m", "not slow and not long", "-n", str(PROCESSES), "--dist", "loadfile"]
    environment = os.environ | {"COVERAGE_PROCESS_START": str(settings)}
    subprocess.run([*command, "--no-loadscope-reorder"], cwd=ROOT, env=environment, check=False)
    del environment["COVERAGE_PROCESS_START"]
    combine = [sys.executable, "-m", "coverage", "combine", "-q", f"--rcfile={settings}"]
    subprocess.run(combine, cwd=ROOT, env=environment, check=True)


class TestsByLine:
    """What `measure` found: `tests` is file -> line -> tests, `lines` test -> how many it runs."""

    __test__ = False

    def __init__(self) -> None:
        self.tests: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        self.lines: dict[str, int] = defaultdict(int)
        with sqlite3.connect(DATA) as data:
            rows = data.execute(
                "select path, context, numbits from line_bits"
                " join file on file.id = file_id join context on context.id = context_id"
            )
            for path, context, numbits in rows:
                self._add(str(Path(path).relative_to(ROOT)), WHEN.sub("", context), numbits)
        self.seconds, self.failed = _seconds_and_failed()

    def _add(self, file: str, test: str, numbits: bytes) -> None:
        numbers = numbits_to_nums(numbits)
        if test:
            self.lines[test] += len(numbers)
        for line in numbers:
            self.tests[file][line].add(test)

    def of_lines(self, file: str, lines: Iterable[int]) -> list[str]:
        """Return the tests that run one of these lines, those that run the fewest in all first."""
        return self.of_files({file: lines})

    def of_files(self, files: Mapping[str, Iterable[int]]) -> list[str]:
        """Return those that run one of these lines of several files."""
        found = {
            test
            for file, lines in files.items()
            for line in lines
            for test in self.tests[file].get(line, ())
        }
        passed = (found & self.seconds.keys()) - self.failed
        return sorted(passed, key=lambda test: (self.lines[test], test))


def _seconds_and_failed() -> tuple[dict[str, float], set[str]]:
    seconds: dict[str, float] = defaultdict(float)
    failed = set()
    for line in SECONDS.read_text("utf-8").splitlines():
        test, _, took, outcome = line.rsplit("\t", 3)
        seconds[test] += float(took)
        if outcome != "passed":
            failed.add(test)
    return dict(seconds), failed


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item):
    """Name the test to coverage.py, here and in forks of this process."""
    if running := coverage.Coverage.current():
        running.switch_context(item.nodeid)
        running.config.context = item.nodeid
    try:
        return (yield)
    finally:
        if running:
            running.switch_context("")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note the seconds of a test's setup, call and teardown."""
    if "PYTEST_XDIST_WORKER" not in os.environ and BUILD.exists():
        with SECONDS.open("a") as file:
            file.write(f"{report.nodeid}\t{report.when}\t{report.duration:.3f}\t{report.outcome}\n")


if __name__ == "__main__":
    measure()
