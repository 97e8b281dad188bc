"""Name the DAGs of others that start when a product's assets are updated on a running Airflow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.names.airflow_names import dag_id
from floe_orchestrator_airflow.service.rest_access import PAGE, Access, CannotGoOnError
from floe_orchestrator_airflow.service.run_history import problem


def listeners_of(
    artifacts: CompiledArtifacts, seconds: float, settings: Mapping[str, Any]
) -> list[str]:
    """See `ListenerReporter`."""
    own = {dag_id(artifacts, job) for job in artifacts.jobs}
    listening: Counter[str] = Counter()
    is_known = False
    try:
        for asset in _assets(Access.of(settings, seconds), sorted(own)):
            if own & {task["dag_id"] for task in asset["producing_tasks"]}:
                is_known = True
                dags = asset.get("scheduled_dags") or asset.get("consuming_dags") or ()
                listening.update({dag["dag_id"] for dag in dags} - own)
        if not is_known:
            raise CannotGoOnError(f"it has no assets of {artifacts.product.name}")
    except (CannotGoOnError, KeyError, TypeError, ValueError) as error:
        raise problem(error) from None
    return [
        f"the DAG {dag} (on {number} of its assets)" for dag, number in sorted(listening.items())
    ]


def _assets(access: Access, dags: list[str]) -> Iterator[Mapping[str, Any]]:
    """Yield the assets that DAGs produce, consume or are scheduled on."""
    offset, total = 0, 1
    while offset < total:
        wanted = {"dag_ids": dags, "limit": PAGE, "offset": offset}
        page = access.ask("GET", f"/assets?{urlencode(wanted, doseq=True)}")
        yield from page["assets"]
        offset, total = offset + PAGE, page["total_entries"]
