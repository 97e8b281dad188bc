"""A copy of this repository in which one file at a time is changed and tested."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from sampled_mutants import ROOT, Mutant

COPIES = ROOT / "build" / "copies-for-mutants"
# The most specific tests run first, alone: they kill most mutants.
FIRST_TESTS = 5
SECONDS_MORE = 60


@dataclass
class Copy:
    """A copy of the repository with an environment of its own, in which files are changed."""

    number: int
    changes: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.root = COPIES / str(self.number)
        if not self.root.exists():
            _call(["git", "worktree", "add", "--detach", "-q", self.root, "HEAD"], ROOT)
        head = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=ROOT, text=True)
        _call(["git", "checkout", "-q", "--force", "--detach", head.strip()], self.root)
        _call(["make", "-s", "setup", "helm"], self.root)
        self.collected, self.fresh = self._start(), self._start("--fresh")

    def _start(self, *options: str) -> subprocess.Popen[str]:
        script = ROOT / "scripts" / "forked_pytest.py"
        folder = Path(tempfile.gettempdir()) / f"floe-mutants-{self.number}{''.join(options)}"
        return subprocess.Popen(
            [self.root / ".venv/bin/python", script, folder, *options],
            cwd=self.root,
            env=os.environ | {"DAGSTER_DISABLE_TELEMETRY": "yes"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def outcome(
        self, mutant: Mutant, tests: Sequence[str], known: Mapping[str, float], *, is_fresh: bool
    ) -> str | None:
        """Return what kills a mutant, "passed", or None if these tests fail without it as well.

        With `is_fresh`, in processes that import the changed file.
        """
        for some in filter(None, (tests[:FIRST_TESTS], tests[FIRST_TESTS:])):
            with self._changed(mutant):
                failed = "import" if is_fresh else self._run(some, known, mutant.file)
                if failed == "import":
                    failed = self._run(some, known, mutant.file, is_fresh=True)
            if failed != "passed":
                # A test that failed is tried at the end, together with all others.
                is_killed = failed in some or self._run(some, known, is_fresh=True) == "passed"
                return failed if is_killed else None
        return "passed"

    def wrong_tests(self, tests: Sequence[str], known: Mapping[str, float]) -> set[str]:
        """Return the tests that fail here without any mutant."""
        wrong: set[str] = set()
        while (failed := self._run(tests, known)) in tests:
            wrong.add(failed)
            tests = [test for test in tests if test != failed]
        if failed != "passed":
            raise RuntimeError(f"{len(tests)} tests without a mutant ended with a {failed}")
        return wrong

    def _run(
        self,
        tests: Sequence[str],
        known: Mapping[str, float],
        file: str = "",
        *,
        is_fresh: bool = False,
    ) -> str:
        seconds = 3 * sum(known[test] for test in tests) + SECONDS_MORE
        server = self.fresh if is_fresh else self.collected
        assert server.stdin
        assert server.stdout
        server.stdin.write(json.dumps({"tests": tests, "file": file, "seconds": seconds}) + "\n")
        server.stdin.flush()
        return str(json.loads(server.stdout.readline()))

    @contextmanager
    def _changed(self, mutant: Mutant) -> Iterator[None]:
        """Change the file; its time says which compiled file is its own, even within a second."""
        path = self.root / mutant.file
        before, times = path.read_text("utf-8"), path.stat()
        path.write_text(mutant.mutation.text, "utf-8")
        os.utime(path, (times.st_atime, times.st_mtime + 10 + next(self.changes)))
        try:
            yield
        finally:
            path.write_text(before, "utf-8")
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def _call(command: Sequence[str | Path], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True)
