"""Run a step as a process of its own, with the same events as a node of dbt."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from floe_core.dbt.call import DbtEnded, DbtRun, EventQueue
from floe_core.execution.private_output import close_to_others
from floe_core.execution.slots_of_build import SlotsOfBuild
from floe_core.execution.steps.call import FACTS_VARIABLE, StepCall
from floe_core.execution.steps.facts import read_facts
from floe_core.foundation.child_processes import start_guarded
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.runs.build_events import BuildEvent, NodeLog, NodeResult, NodeStarted

# A process can start another one while we look; nothing outruns as many looks as this.
MAX_LOOKS = 20


def kill_left_processes(variable: str, value: str) -> None:
    """Kill every process with this variable in the environment that it was started with.

    What daemonizes leaves its group, its session and its parent, but inherits the environment.
    Linux alone, as elsewhere there is no /proc.
    """
    mark = f"{variable}={value}".encode()
    for _ in range(MAX_LOOKS):
        killed = [pid for pid in _processes() if _kill_if_marked(pid, mark)]
        if not killed:
            return


def _processes() -> Iterator[int]:
    for place in Path("/proc").glob("[0-9]*"):
        if int(place.name) != os.getpid():
            yield int(place.name)


def _kill_if_marked(pid: int, mark: bytes) -> bool:
    """Kill a process; return whether it was marked. The handle keeps another one's id out."""
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        is_marked = mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        if is_marked:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    except OSError:
        return False
    finally:
        os.close(handle)
    return is_marked


# How long a step may clean up after a request to stop.
GRACE_SECONDS = 5.0
LAST_LINES = 10
# How long the log may take to end once the step is gone: a pipe holds little, but a process that
# could not be killed holds it open.
LOG_SECONDS = 30.0


class StepNotStarted:
    """A step whose process could not be started: it ends with an error at once."""

    def __init__(self, unique_id: str, why: str) -> None:
        now = datetime.now(UTC)
        result = NodeResult(unique_id, "error", message=why, started_at=now, ended_at=now)
        self._events: deque[BuildEvent | DbtEnded] = deque(
            [NodeStarted(unique_id, now), result, DbtEnded(succeeded=False)]
        )

    def next_event(self, timeout: float | None) -> BuildEvent | DbtEnded | None:
        """See `DbtRun.next_event`."""
        return self._events.popleft()

    def cancel(self) -> None:
        """See `DbtRun.cancel`."""

    def cancel_node(self, unique_id: str) -> None:
        """See `DbtRun.cancel_node`."""

    def close(self, patience: float) -> bool:
        """See `DbtRun.close`."""
        return True


class StepProcess:
    """A process in its own process group, which ends with it; its events go through a queue.

    `writes` are the datasets that the step may report facts about.
    """

    def __init__(self, call: StepCall, writes: Collection[str]) -> None:
        self._call = call
        self._writes = writes
        self._events = EventQueue()
        self._last_lines: deque[str] = deque(maxlen=LAST_LINES)
        self._canceled_at: float | None = None
        self._started_at = datetime.now(UTC)
        self._events.put(NodeStarted(call.unique_id, self._started_at))
        self._process = start_guarded(call.words, call.project_dir, call.environment)
        self._reader = threading.Thread(target=self._read, name="floe-step-log", daemon=True)
        self._reader.start()
        self._waiter = threading.Thread(target=self._wait, name="floe-step-end", daemon=True)
        self._waiter.start()

    def next_event(self, timeout: float | None) -> BuildEvent | DbtEnded | None:
        """See `DbtRun.next_event`."""
        return self._events.take(timeout)

    def cancel(self) -> None:
        """See `DbtRun.cancel`: sends SIGTERM to the whole group, then SIGKILL after its grace."""
        now = time.monotonic()
        if self._canceled_at is None:
            self._canceled_at = now
            self._signal(signal.SIGTERM)
            killer = threading.Timer(GRACE_SECONDS, self._signal, [signal.SIGKILL])
            killer.daemon = True
            killer.start()

    def cancel_node(self, unique_id: str) -> None:
        """See `DbtRun.cancel_node`."""
        self.cancel()

    def close(self, patience: float) -> bool:
        """See `DbtRun.close`; a process that does not end by itself is killed."""
        self._waiter.join(patience)
        if self._waiter.is_alive():
            self._signal(signal.SIGKILL)
            self._waiter.join()
        assert self._process.stdin is not None
        self._process.stdin.close()
        return True

    def _signal(self, number: signal.Signals) -> None:
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            text = line.rstrip()
            if text:
                self._last_lines.append(text)
                self._events.put(NodeLog(self._call.unique_id, "info", text))

    def _wait(self) -> None:
        """Emit the end, once nothing is left of the process and its children."""
        # Not reaped yet, so that no other process can get the id of its group.
        os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        code = self._process.wait()
        # The file is of this attempt alone, so its name marks the processes of the step.
        kill_left_processes(FACTS_VARIABLE, str(self._call.facts_file))
        self._reader.join(LOG_SECONDS)
        result = self._result(code)
        self._events.put(result)
        self._events.put(DbtEnded(succeeded=result.passed))

    def _result(self, code: int) -> NodeResult:
        facts = read_facts(self._call.facts_file, self._writes)
        close_to_others(self._call.facts_file.parent)
        for problem in facts.problems:
            self._events.put(NodeLog(self._call.unique_id, "warn", problem))
        ended_at = datetime.now(UTC)
        return NodeResult(
            self._call.unique_id,
            "error" if code else "success",
            seconds=round((ended_at - self._started_at).total_seconds(), 3),
            message=self._why(code) if code else facts.message,
            rows=facts.rows,
            started_at=self._started_at,
            ended_at=ended_at,
            datasets=facts.datasets,
        )

    def _why(self, code: int) -> str:
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"
        return "\n".join([how, *self._last_lines])


class WaitingStep:
    """Waits in a thread of its own, then behaves like the run that `start` returns."""

    def __init__(self, node_id: str, slots: SlotsOfBuild, start: Callable[[], DbtRun]) -> None:
        self._node_id = node_id
        self._slots = slots
        self._start = start
        self._events = EventQueue()
        self._lock = threading.Lock()
        self._run: DbtRun | None = None
        self._is_canceled = False
        self._thread = threading.Thread(target=self._work, name="floe-step-slot", daemon=True)
        self._thread.start()

    def next_event(self, timeout: float | None) -> BuildEvent | DbtEnded | None:
        """See `DbtRun.next_event`."""
        return self._events.take(timeout)

    def cancel(self) -> None:
        """See `DbtRun.cancel`."""
        self._slots.stop()
        with self._lock:
            self._is_canceled = True
            if self._run is not None:
                self._run.cancel()

    def cancel_node(self, unique_id: str) -> None:
        """See `DbtRun.cancel_node`; a waiting step has not started."""
        if self._run is not None:
            self._run.cancel_node(unique_id)

    def close(self, patience: float) -> bool:
        """See `DbtRun.close`."""
        until = time.monotonic() + patience
        self._thread.join(patience)
        run = self._run
        is_closed = run is None or run.close(max(0.0, until - time.monotonic()))
        return is_closed and not self._thread.is_alive()

    def _work(self) -> None:
        try:
            self._slots.take(self._node_id, self._events.put)
        except EnvironmentProblemError as error:
            self._pass_on(StepNotStarted(self._node_id, str(error)))
            return
        with self._lock:
            if self._is_canceled:
                self._events.put(DbtEnded(succeeded=False))
                return
            self._run = self._start()
        self._pass_on(self._run)

    def _pass_on(self, run: DbtRun) -> None:
        while True:
            event = run.next_event(None)
            if isinstance(event, NodeResult):
                self._slots.give_back(self._node_id)
            if event is not None:
                self._events.put(event)
            if isinstance(event, DbtEnded):
                return
