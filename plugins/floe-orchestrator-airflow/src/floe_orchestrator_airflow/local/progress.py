"""Detects whether a local Airflow still makes progress, however slowly.

While it starts, its components do; while it runs, its workers pick up queued tasks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from floe_orchestrator_airflow.local.components import cpu_seconds, read_components

STUCK_SECONDS = 60.0
# The share of a CPU below which a process is only waiting. A process that is starting uses more,
# even on a busy machine.
LEAST_SHARE = 0.008
LONGEST_SECONDS = 1800.0
ASK_SECONDS = 1.0
HOST = "host"

SCHEDULER = "scheduler"
TaskInstances = Callable[[], Sequence[dict[str, Any]]]


class ExecutorWatch:
    """Watches the CPU time of the executor's workers while tasks wait for them.

    The workers share a lock on their queue, and one of them holds it while it waits for a task. If
    that worker is killed, for instance for lack of memory, the lock is never released, and tasks
    stay queued for half an hour until Airflow fails them.
    """

    def __init__(self, folder: Path, patience: float) -> None:
        self._folder = folder
        self._patience = patience
        self._latest = self._last_check = time.monotonic()
        self._used = 0.0

    def problem(self, task_instances: TaskInstances) -> str:
        """Return which tasks of a run no worker picks up, "" for none; fetches them rarely."""
        now = time.monotonic()
        if now - self._last_check < min(ASK_SECONDS, self._patience / 4):
            return ""
        self._last_check = now
        used = self._cpu_seconds_of_workers()
        if used < self._used or used - self._used > LEAST_SHARE * self._patience:
            self._used, self._latest = used, now
        if now - self._latest <= self._patience:
            return ""
        self._latest = now
        waiting = sorted(t["task_id"] for t in task_instances() if self._has_waited(t))
        if not waiting:
            return ""
        names = ", ".join(waiting[:5])
        return (
            f"none of its executor's workers took up {names} in {self._patience:.0f} s; one of "
            "them was probably killed. Run it again"
        )

    def _has_waited(self, task: dict[str, Any]) -> bool:
        if task["state"] != "queued" or not task["queued_when"]:
            return False
        queued = datetime.fromisoformat(task["queued_when"])
        return (datetime.now(UTC) - queued).total_seconds() > self._patience

    def _cpu_seconds_of_workers(self) -> float:
        pid = read_components(self._folder).get(SCHEDULER)
        try:
            workers = psutil.Process(pid).children() if pid else []
        except psutil.NoSuchProcess:
            return 0.0
        return sum(cpu_seconds(worker.pid) for worker in workers)


class Progress:
    """Watches the CPU time of the awaited components: a slow machine is slow, not stuck.

    A component that uses almost none for `patience` seconds is stuck; so is one that is not ready
    after half an hour, whatever it does.
    """

    def __init__(self, folder: Path, host_pid: int, patience: float = STUCK_SECONDS) -> None:
        self._folder = folder
        self._host_pid = host_pid
        self._patience = patience
        self._began = self._latest = self._last_check = time.monotonic()
        self._awaited: frozenset[str] = frozenset()
        self._used = 0.0

    def problem(self, awaited: Collection[str]) -> str:
        """Return what is stuck among these components, and for how long; "" for nothing."""
        now = time.monotonic()
        names = " and ".join(sorted(awaited))
        if now - self._began > LONGEST_SECONDS:
            return f"its {names} did not start in {LONGEST_SECONDS:.0f} s"
        if now - self._last_check >= min(ASK_SECONDS, self._patience / 4):
            self._last_check = now
            self._look(frozenset(awaited), now)
        if now - self._latest > self._patience:
            return f"its {names} made no progress for {self._patience:.0f} s"
        return ""

    def _look(self, awaited: frozenset[str], now: float) -> None:
        least = LEAST_SHARE * self._patience
        used = sum(cpu_seconds(pid) for pid in self._pids(awaited))
        if awaited != self._awaited or used < self._used or used - self._used > least:
            self._awaited, self._used, self._latest = awaited, used, now

    def _pids(self, awaited: frozenset[str]) -> list[int]:
        """Return the processes of the awaited components; until they start, the host's."""
        pids = read_components(self._folder)
        found = [pids[name] for name in awaited if name in pids]
        return found if len(found) == len(awaited) else [self._host_pid]
