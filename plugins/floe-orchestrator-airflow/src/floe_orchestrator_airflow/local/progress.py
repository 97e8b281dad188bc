"""Detects whether a starting Airflow still makes progress, however slowly."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path

from floe_orchestrator_airflow.local.components import cpu_seconds, read_components

STUCK_SECONDS = 60.0
# The share of a CPU below which a process is only waiting. A process that is starting uses more,
# even on a busy machine.
LEAST_SHARE = 0.008
LONGEST_SECONDS = 1800.0
ASK_SECONDS = 1.0
HOST = "host"


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
