"""Emit a single lineage event, through the same spool and delivery as runs."""

from __future__ import annotations

import atexit
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from floe_core.lineage.backend import is_configured
from floe_core.lineage.facets import BASE_FACET_SCHEMA, PRODUCER, Json, LineageJob, run_event
from floe_core.lineage.naming import run_id_from, without_credentials
from floe_core.lineage.sending.delivery import Delivery
from floe_core.plugin_interfaces import LINEAGE_EVENT_TYPES, Dataset
from floe_core.schemas.policies import LineageSettings
from floe_core.secrets.recognition import known_secrets
from floe_core.secrets.redactor import Redactor
from floe_core.storage.spooling.spool import Spool

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


_SECONDS_AT_EXIT = 5.0
_outlets: dict[tuple[Path, str], tuple[Spool, Delivery]] = {}


def emit_lineage_event(
    event_type: str,
    job: str,
    inputs: Sequence[Dataset],
    outputs: Sequence[Dataset],
    *,
    settings: LineageSettings,
    project_dir: Path | None = None,
    run_id: str | None = None,
    facets: Mapping[str, Any] | None = None,
) -> None:
    """Write one run event to the spool, to be sent in the background; nothing without a backend.

    The run is the one that `run_id` names (a UUID, or any text, which is turned into one), else the
    one that START opened for the job in this context. `facets` are facets of the run. The spool is
    in `project_dir`, by default the current folder. At exit, unsent events get a few more seconds.

    Raises:
        ValueError: OpenLineage has no such event type, or the job has no name.
        OSError: The spool cannot be written.
    """
    if event_type not in LINEAGE_EVENT_TYPES:
        allowed = ", ".join(LINEAGE_EVENT_TYPES)
        raise ValueError(f"no lineage event type {event_type!r}; the types are {allowed}")
    if not job:
        raise ValueError("a lineage event needs the name of its job")
    folder = (project_dir or Path.cwd()).absolute()
    if not is_configured(settings, folder):
        return
    wanted = run_id_from(run_id) if run_id else None
    event = run_event(
        event_type,
        datetime.now(UTC),
        run_id_for(settings.namespace, job, event_type, wanted),
        _complete(facets or {}),
        LineageJob(settings.namespace, job, {}),
        [_describe(dataset) for dataset in inputs],
        [_describe(dataset) for dataset in outputs],
    )
    _send(_without_secrets(event, settings), settings, folder)


def _describe(dataset: Dataset) -> Json:
    facets = _complete(dataset.facets)
    namespace = without_credentials(dataset.namespace)
    return {"namespace": namespace, "name": dataset.name, "facets": facets}


def _complete(facets: Mapping[str, Any]) -> Json:
    """Return facets with the fields that OpenLineage requires added if they are missing."""
    demanded = {"_producer": PRODUCER, "_schemaURL": BASE_FACET_SCHEMA}
    return {name: {**demanded, **facet} for name, facet in facets.items()}


def _without_secrets(event: Json, settings: LineageSettings) -> Json:
    cleaned: Json = Redactor(known_secrets(settings.config).values()).tree(event)
    return cleaned


def _send(event: Json, settings: LineageSettings, folder: Path) -> None:
    key = (folder, settings.model_dump_json())
    with _mutex:
        if not _outlets:
            atexit.register(_finish)
        spool, delivery = _outlets.setdefault(key, (Spool(folder), Delivery(folder, settings)))
        spool.append(event)
        delivery.start()


def _finish() -> None:
    for _, delivery in _outlets.values():
        delivery.close(_SECONDS_AT_EXIT)
    _outlets.clear()
