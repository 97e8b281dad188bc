"""Run the product's own dbt as a process of its own, and read its JSON log."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from floe_core.dbt.call import DbtEnded, EventQueue
from floe_core.dbt.in_program import dbt_floe_microbatch
from floe_core.dbt.in_program.dbt_floe_microbatch import FILE_VARIABLE, TAKEN
from floe_core.dbt.invocation import Invocation
from floe_core.dbt.messages import BATCH_STARTED, NO_TIME, DbtMessages, is_of_interest
from floe_core.foundation.child_processes import start_guarded
from floe_core.runs.build_events import BuildEvent

JSON_LOG = ["--log-format", "json", "--log-level", "debug"]
# dbt's exit codes: 0 all passed, 1 some node did not, 2 it could not do its work.
NODES_DECIDED = (0, 1)
_FOLDER_OF_PLUGIN = Path(dbt_floe_microbatch.__file__).parent


class DbtProcess:
    """A dbt executable in its own process group; its events go through a queue."""

    def __init__(self, invocation: Invocation) -> None:
        self._events = EventQueue()
        self._messages = DbtMessages()
        self._last_words = ""
        self._problem = ""
        # Whether microbatch models build the batches that they should.
        self._knows_batches = not invocation.microbatch
        call = replace(invocation.call, variables=_variables_of_microbatch(invocation))
        self._process = start_guarded(
            [*call.command_line(), *JSON_LOG], call.folder, call.environment()
        )
        self._reader = threading.Thread(target=self._read, name="floe-dbt-log", daemon=True)
        self._reader.start()

    def next_event(self, timeout: float | None) -> BuildEvent | DbtEnded | None:
        """See `DbtRun.next_event`."""
        return self._events.take(timeout)

    def cancel(self) -> None:
        """See `DbtRun.cancel`."""
        self._signal(signal.SIGINT)

    def cancel_node(self, unique_id: str) -> None:
        """Do nothing: a node can't be canceled in another process; compile refuses its timeout."""

    def close(self, patience: float) -> bool:
        """See `DbtRun.close`; a process that does not end by itself is killed."""
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._process.wait()
        self._reader.join(patience)
        assert self._process.stdin is not None
        self._process.stdin.close()
        return True

    def _signal(self, number: signal.Signals) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, number)

    def _read(self) -> None:
        assert self._process.stdout is not None
        self._read_lines(self._process.stdout)
        code = self._process.wait()
        detail = f": {self._last_words}" if self._last_words else ""
        problem = "" if code in NODES_DECIDED else f"dbt exited with {code}{detail}"
        self._events.put(DbtEnded(self._problem or problem, succeeded=code == 0))

    def _read_lines(self, lines: IO[str]) -> None:
        for line in lines:
            message = _parse(line)
            if message is None:
                self._last_words = line.strip()
                continue
            name, level = message["info"]["name"], message["info"]["level"]
            self._knows_batches = self._knows_batches or name == TAKEN
            if name == BATCH_STARTED and not self._knows_batches:
                self._problem = NO_TIME
                self.cancel()
            if is_of_interest(name, level):
                if level == "error":
                    self._last_words = message["info"].get("msg", "")
                for event in self._messages.translate(message):
                    self._events.put(event)


def _variables_of_microbatch(invocation: Invocation) -> dict[str, str]:
    """Return the environment that makes a dbt 1 load floe's plugin for microbatch models."""
    if not invocation.microbatch:
        return {}
    file = invocation.target / "microbatch.json"
    file.write_text(json.dumps(invocation.microbatch), encoding="utf-8")
    path = os.pathsep.join(filter(None, [str(_FOLDER_OF_PLUGIN), os.environ.get("PYTHONPATH")]))
    return {"PYTHONPATH": path, FILE_VARIABLE: str(file)}


def _parse(line: str) -> Mapping[str, Any] | None:
    """Return one line of dbt's JSON log; None for anything else that the program prints."""
    try:
        message = json.loads(line)
    except ValueError:
        return None
    return message if isinstance(message, dict) and "name" in message.get("info", {}) else None
