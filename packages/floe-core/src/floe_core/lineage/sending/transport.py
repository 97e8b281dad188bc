"""Open OpenLineage's own transports without retries: floe itself retries, from disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from openlineage.client import OpenLineageClient, event_v2
from openlineage.client.facet_v2 import parent_run
from openlineage.client.transport import Transport, get_default_factory
from openlineage.client.transport.noop import NoopConfig, NoopTransport

from floe_core.foundation.process_environment import unchanged_environment
from floe_core.lineage.backend import resolve_transport
from floe_core.lineage.facets import Json
from floe_core.schemas.policies import LineageSettings
from floe_core.storage.spooling.bounded_requests import LONGEST_SECONDS, bound_all_requests

_DIRECT_HTTP = "floe_core.lineage.sending.direct_http.DirectHttpTransport"


def open_transport(settings: LineageSettings, project_dir: Path) -> Transport:
    """Return the transport of the environment, or else of the manifest.

    A relative file is resolved from the product's folder, not the working directory.

    Raises:
        UnsetVariableError: The manifest refers to an environment variable that is not set.
        ValueError, RuntimeError, KeyError: The client cannot use the configuration.
    """
    # Those for the token of a transport, too.
    bound_all_requests()
    transport = _transport_of_environment() or resolve_transport(settings)
    return get_default_factory().create(_without_retries(transport, project_dir))


def as_run_event(event: Json) -> event_v2.RunEvent:
    """Return an event as the client's own class, which its transports route by."""
    run, job = event["run"], event["job"]
    run_facets = dict(run.get("facets", {}))
    if "parent" in run_facets:
        run_facets["parent"] = _parent(run_facets["parent"])
    return event_v2.RunEvent(
        eventTime=event["eventTime"],
        eventType=event_v2.RunState(event["eventType"]),
        producer=event["producer"],
        run=event_v2.Run(runId=run["runId"], facets=run_facets),
        job=event_v2.Job(job["namespace"], job["name"], facets=job.get("facets", {})),
        inputs=[event_v2.InputDataset(**_dataset(each, "inputFacets")) for each in event["inputs"]],
        outputs=[
            event_v2.OutputDataset(**_dataset(each, "outputFacets")) for each in event["outputs"]
        ],
    )


def _transport_of_environment() -> dict[str, Any]:
    """Return the combined `openlineage.yml`, `OPENLINEAGE__...` and `OPENLINEAGE_URL`."""
    # The client translates OPENLINEAGE_URL into other variables in the environment, where they
    # would outlive it, and hold its API key.
    with unchanged_environment():
        client = OpenLineageClient(transport=NoopTransport(NoopConfig()))
        configured = dict(client.config.transport or {})
    if configured.get("type"):
        return configured
    url = os.environ.get("OPENLINEAGE_URL")
    if not url:
        return {}
    simple: dict[str, Any] = {"type": "http", "url": url}
    if endpoint := os.environ.get("OPENLINEAGE_ENDPOINT"):
        simple["endpoint"] = endpoint
    if api_key := os.environ.get("OPENLINEAGE_API_KEY"):
        simple["auth"] = {"type": "api_key", "apiKey": api_key}
    return simple


def _without_retries(transport: dict[str, Any], project_dir: Path) -> dict[str, Any]:
    """Return the configuration without retries or asynchronous sending, which loses events."""
    kind = transport.get("type")
    if kind in ("http", "async_http"):
        plain = {"timeout": LONGEST_SECONDS, **transport, "type": _DIRECT_HTTP}
        plain["timeout"] = float(plain["timeout"])
        return plain
    if kind == "file" and "log_file_path" in transport:
        return {**transport, "log_file_path": str(project_dir / transport["log_file_path"])}
    if kind == "composite":
        inner = transport.get("transports", [])
        if isinstance(inner, dict):
            inner = [{**each, "name": name} for name, each in inner.items() if each]
        return {**transport, "transports": [_without_retries(each, project_dir) for each in inner]}
    if kind == "transform" and isinstance(transport.get("transport"), dict):
        return {**transport, "transport": _without_retries(transport["transport"], project_dir)}
    return transport


def _dataset(dataset: Json, own_facets: str) -> dict[str, Any]:
    return {
        "namespace": dataset["namespace"],
        "name": dataset["name"],
        "facets": dataset.get("facets", {}),
        own_facets: dataset.get(own_facets),
    }


def _parent(facet: Json) -> parent_run.ParentRunFacet:
    run, job, root = facet["run"], facet["job"], facet.get("root")
    return parent_run.ParentRunFacet(
        run=parent_run.Run(run["runId"], facets=run.get("facets")),
        job=parent_run.Job(job["namespace"], job["name"], facets=job.get("facets")),
        root=parent_run.Root(
            run=parent_run.RootRun(root["run"]["runId"], facets=None),
            job=parent_run.RootJob(root["job"]["namespace"], root["job"]["name"], facets=None),
        )
        if root
        else None,
        producer=facet["_producer"],
    )
