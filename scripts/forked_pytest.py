"""Run chosen tests in forks of one process, which has imported and collected all of `make test`.

Reads a line of JSON for each run: the tests in their order, a changed file of ours, and the most
seconds. In a fork, functions get the code that the file has now; with `--fresh`, a fork has
imported nothing of ours. Answers with how it ended: "passed", "timeout", the test that failed,
"collection", or "import" where only a fresh process would see the change.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from types import CodeType, FunctionType
from typing import TypedDict

import psutil
import pytest

# What is slow to import and not ours.
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
OPTIONS = ("-x", "-q", "--tb=line", "-p", "no:cacheprovider", "-m", "not slow and not long")


class Job(TypedDict):
    """A line of the input."""

    tests: list[str]
    file: str
    seconds: float


class FirstFailure:
    """A plugin of pytest that keeps which test failed first."""

    def __init__(self) -> None:
        self.test = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep it."""
        if report.failed:
            self.test = self.test or report.nodeid


class ChosenTests:
    """A plugin of pytest: these tests alone, in this order but for those of the same file."""

    def __init__(self, tests: Sequence[str]) -> None:
        self.tests = tests

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out all others."""
        items[:] = _chosen(self.tests, items)


class CollectedTests:
    """A plugin of pytest that runs no test itself: each job does, in a fork."""

    def __init__(self, serve: Callable[[Callable[[Job], str]], None]) -> None:
        self.serve = serve
        self.first_failure = FirstFailure()

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the jobs once all is collected."""
        session.config.pluginmanager.register(self.first_failure)
        self.items = session.items
        self.functions: dict[str, list[FunctionType]] = defaultdict(list)
        for each in gc.get_objects():
            if isinstance(each, FunctionType):
                self.functions[each.__code__.co_filename].append(each)
        self.serve(self.run)
        return True

    def run(self, job: Job) -> str:
        """Return how the tests of a job end in this process, which is a fork."""
        if job["file"] and not self._change(Path(job["file"]).absolute()):
            return "import"
        chosen = _chosen(job["tests"], self.items)
        for item, following in zip(chosen, [*chosen[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.first_failure.test:
                return self.first_failure.test
        return "passed"

    def _change(self, path: Path) -> bool:
        """Give the functions of a file the code that it has now; return whether that is enough."""
        found = list(_codes(compile(path.read_text("utf-8"), str(path), "exec")))
        # Of two lambdas in a line, nothing tells which is which.
        often = Counter(_name(code) for code in found)
        codes = {_name(code): code for code in found if often[_name(code)] == 1}
        changed = False
        for function in self.functions[str(path)]:
            new = codes.get(_name(function.__code__), function.__code__)
            if new != function.__code__:
                if new.co_freevars != function.__code__.co_freevars:
                    return False
                function.__code__ = new
                changed = True
        return changed


def _chosen(tests: Sequence[str], items: Sequence[pytest.Item]) -> list[pytest.Item]:
    files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
    wanted = set(tests)
    chosen = [item for item in items if item.nodeid in wanted]
    return sorted(chosen, key=lambda item: files.index(item.nodeid.partition("::")[0]))


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _codes(each)


def _name(code: CodeType) -> tuple[str, int]:
    return code.co_qualname, code.co_firstlineno


def run_fresh(job: Job) -> str:
    """Return how the tests of a job end in this process, which has imported nothing of ours."""
    failure = FirstFailure()
    files = dict.fromkeys(test.partition("::")[0] for test in job["tests"])
    code = pytest.main([*OPTIONS, *files], plugins=[failure, ChosenTests(job["tests"])])
    return "passed" if code == pytest.ExitCode.OK else failure.test or "collection"


def _run_in_fork(run: Callable[[Job], str], job: Job, folder: Path) -> str:
    result = folder / "result"
    result.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        _answer(run, job, folder)
    end = time.monotonic() + job["seconds"]
    while (
        time.monotonic() < end and not result.exists() and os.waitpid(child, os.WNOHANG) == (0, 0)
    ):
        time.sleep(0.02)
    _kill_all_below()
    if result.exists():
        return result.read_text("utf-8")
    return "timeout" if time.monotonic() >= end else "collection"


def _answer(run: Callable[[Job], str], job: Job, folder: Path) -> None:
    os.setsid()
    try:
        (folder / "new").write_text(run(job), "utf-8")
        (folder / "new").replace(folder / "result")
    finally:
        os._exit(0)


def _kill_all_below() -> None:
    while below := psutil.Process().children(recursive=True):
        for process in below:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(below, timeout=5)


def main(folder: Path, *, is_fresh: bool) -> None:
    """Run what standard input asks for; what its processes leave running is killed each time."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    folder.mkdir(exist_ok=True)
    jobs, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for ours, other in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
        os.dup2(other, ours)

    def serve(run: Callable[[Job], str]) -> None:
        # What there is now is no garbage of a fork.
        gc.freeze()
        for line in jobs:
            print(json.dumps(_run_in_fork(run, json.loads(line), folder)), file=answers, flush=True)

    if is_fresh:
        for name in SLOW:
            import_module(name)
        serve(run_fresh)
    else:
        pytest.main([*OPTIONS, f"--basetemp={folder / 'tmp'}"], plugins=[CollectedTests(serve)])


if __name__ == "__main__":
    main(Path(sys.argv[1]), is_fresh="--fresh" in sys.argv)
