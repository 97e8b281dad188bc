"""Emit a single lineage event, through the same spool and delivery as runs."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from floe_core.lineage.backend import is_configured
from floe_core.lineage.events import LineageJob, run_event
from floe_core.lineage.facets import BASE_FACET_SCHEMA, PRODUCER, Json
from floe_core.lineage.naming import without_credentials
from floe_core.lineage.open_runs import run_id_for
from floe_core.lineage.run_ids import run_id_from
from floe_core.lineage.sending.delivery import Delivery
from floe_core.plugin_interfaces import LINEAGE_EVENT_TYPES, Dataset
from floe_core.schemas.policies import LineageSettings
from floe_core.secrets.recognition import known_secrets
from floe_core.secrets.redactor import Redactor
from floe_core.storage.spooling.spool import Spool

_SECONDS_AT_EXIT = 5.0

_mutex = threading.Lock()
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
