"""The process that runs Dagster: started, listened to, and gone whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from floe_orchestrator_dagster.run_order import RunOrder

MODULE = "floe_orchestrator_dagster.launched_run"
PATIENCE_SECONDS = 20.0

_QUIET = {"DAGSTER_DISABLE_TELEMETRY": "yes", "DBT_SEND_ANONYMOUS_USAGE_STATS": "False"}


class RunProcess:
    """One launched run, in a process group of its own.

    Its standard input is the order, then silence: when that breaks off, the parent is gone and the
    process ends itself. Its events come through a pipe of their own, so that nothing that a library
    prints can be taken for one.
    """

    def __init__(self, order: RunOrder, home: Path, log: Path) -> None:
        self._order = order
        self._home = home
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._events = -1

    @property
    def exit_code(self) -> int | None:
        """The exit code, None while it runs."""
        return self._process.poll() if self._process else None

    def lines(self) -> Iterator[str]:
        """Yield what the process tells, line by line, to its end."""
        with os.fdopen(self._events, encoding="utf-8") as events:
            self._events = -1
            for line in events:
                if line.endswith("\n"):
                    yield line

    def __enter__(self) -> RunProcess:
        self._events, told = os.pipe()
        try:
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", MODULE, str(told)],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=self._order.project_dir,
                    env={**os.environ, **_QUIET, "DAGSTER_HOME": str(self._home)},
                    pass_fds=(told,),
                    start_new_session=True,
                )
        finally:
            os.close(told)
        assert self._process.stdin is not None
        self._process.stdin.write(self._order.to_line().encode() + b"\n")
        self._process.stdin.flush()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._events >= 0:
            os.close(self._events)
        process = self._process
        assert process is not None and process.stdin is not None
        try:
            self._let_end(process, was_interrupted=kind is not None)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            with suppress(BrokenPipeError):
                process.stdin.close()

    def _let_end(self, process: subprocess.Popen[bytes], was_interrupted: bool) -> None:
        """Wait for the process, after asking it to cancel its run if the run was broken off."""
        if was_interrupted:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE_SECONDS)
