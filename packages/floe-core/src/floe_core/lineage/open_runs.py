"""Find the run that an event belongs to, if only the job is named."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import uuid4

_OPENING = "START"
_CLOSING = frozenset({"COMPLETE", "FAIL", "ABORT"})
# Runs that are never closed must not accumulate in a process that lives for months.
_MOST_OPEN_RUNS = 10_000


@dataclass(eq=False, slots=True)
class _OpenRun:
    """Shared by all contexts that inherited it, so that closing it in one closes it in all."""

    run_id: str
    is_closed: bool = False


_in_context: ContextVar[Mapping[tuple[str, str], _OpenRun]] = ContextVar("floe_open_runs")
_of_process: dict[tuple[str, str], deque[_OpenRun]] = {}
_mutex = threading.Lock()


def run_id_for(namespace: str, job: str, event_type: str, run_id: str | None) -> str:
    """Return the run of an event, opening or closing it.

    START opens a run. Any other event belongs to the job's open run in this context (its thread,
    its async task, or the one that started the task); if there is none, to the latest one in the
    process, since a run may end in another thread than it started in; else to a new run.
    """
    key = (namespace, job)
    if event_type == _OPENING:
        return _open(key, run_id or str(uuid4()))
    run = _open_run(key, run_id)
    if run is None:
        return run_id or str(uuid4())
    if event_type in _CLOSING:
        _close(key, run)
    return run.run_id


def _open(key: tuple[str, str], run_id: str) -> str:
    run = _OpenRun(run_id)
    here = {k: r for k, r in _in_context.get({}).items() if not r.is_closed}
    _in_context.set({**here, key: run})
    with _mutex:
        _of_process.setdefault(key, deque(maxlen=_MOST_OPEN_RUNS)).append(run)
    return run_id


def _open_run(key: tuple[str, str], run_id: str | None) -> _OpenRun | None:
    with _mutex:
        candidates = list(_of_process.get(key, ()))
    if run_id is not None:
        return next((run for run in candidates if run.run_id == run_id), None)
    here = _in_context.get({}).get(key)
    if here is not None and not here.is_closed:
        return here
    return candidates[-1] if candidates else None


def _close(key: tuple[str, str], run: _OpenRun) -> None:
    run.is_closed = True
    with _mutex:
        runs = _of_process.get(key)
        if runs is None:
            return
        if run in runs:
            runs.remove(run)
        if not runs:
            del _of_process[key]
