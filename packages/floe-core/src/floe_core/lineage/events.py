"""Run events of OpenLineage, as the JSON that its specification defines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from floe_core.lineage.facets import PRODUCER, RUN_EVENT_SCHEMA, Json, timestamp


@dataclass(frozen=True, slots=True)
class LineageJob:
    """A job, named as OpenLineage names it, with its facets."""

    namespace: str
    name: str
    facets: Json


def run_event(
    event_type: str,
    at: datetime,
    run_id: str,
    run_facets: Json,
    job: LineageJob,
    inputs: Sequence[Json] = (),
    outputs: Sequence[Json] = (),
) -> Json:
    """Return a run event; datasets are given as JSON of the specification."""
    return {
        "eventTime": timestamp(at),
        "eventType": event_type,
        "inputs": list(inputs),
        "job": {"namespace": job.namespace, "name": job.name, "facets": job.facets},
        "outputs": list(outputs),
        "producer": PRODUCER,
        "run": {"runId": run_id, "facets": run_facets},
        "schemaURL": RUN_EVENT_SCHEMA,
    }
