"""Send a product's events in the background, never in the way of what it runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from floe_core.lineage.backend import config_file, manifest_transport
from floe_core.lineage.spool import Spool
from floe_core.schemas.policies import LineageSettings

_MODULE = "floe_core.lineage.drainer_process"
# A backend that takes longer over one event is not waited for at the end of a run.
_SILENT_SECONDS = 2.0
_LOOK_EVERY_SECONDS = 0.05


class Delivery:
    """A process that drains a product's spool as long as this one lives."""

    def __init__(self, project_dir: Path, settings: LineageSettings) -> None:
        self._project_dir = project_dir
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def start(self) -> None:
        """Start the process; nothing if it runs."""
        if self._owner == os.getpid() and self._process and self._process.poll() is None:
            return
        Spool(self._project_dir).forget_sending()
        # -P: a product's own folders are no Python packages. A session of its own: Ctrl-C is for
        # the run, and must not break off the event that is being sent.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", _MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=None if self._is_console() else subprocess.DEVNULL,
            cwd=self._project_dir,
            env=self._environment(),
            start_new_session=True,
        )
        self._owner = os.getpid()
        settings = self._settings.model_dump(mode="json")
        start = {"project_dir": str(self._project_dir), "settings": settings}
        self._say(self._process, json.dumps(start))

    def close(self, seconds: float) -> bool:
        """Let the process send what waits, for some seconds; return whether nothing is left.

        A backend that does not answer is tried once more and no longer, and one that has not
        answered for a while is not waited for. A process that is still sending an event when the
        time is over ends after that one, by itself.
        """
        process = self._process if self._owner == os.getpid() else None
        self._process = None
        if process is None:
            return False
        self._say(process, "finish")
        try:
            return self._wait(process, seconds)
        except subprocess.TimeoutExpired:
            return False
        finally:
            with suppress(OSError):
                _pipe(process).close()

    def _wait(self, process: subprocess.Popen[bytes], seconds: float) -> bool:
        spool, deadline = Spool(self._project_dir), time.monotonic() + seconds
        while time.monotonic() < deadline and spool.sending_for() < _SILENT_SECONDS:
            with suppress(subprocess.TimeoutExpired):
                return process.wait(timeout=_LOOK_EVERY_SECONDS) == 0
        return process.poll() == 0

    @staticmethod
    def _say(process: subprocess.Popen[bytes], line: str) -> None:
        with suppress(OSError):
            _pipe(process).write(line.encode() + b"\n")
            _pipe(process).flush()

    def _environment(self) -> dict[str, str]:
        found = config_file(self._project_dir)
        return {**os.environ, **({"OPENLINEAGE_CONFIG": str(found)} if found else {})}

    def _is_console(self) -> bool:
        return manifest_transport(self._settings).get("type") == "console"


def _pipe(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdin is not None  # it is started with a pipe
    return process.stdin
