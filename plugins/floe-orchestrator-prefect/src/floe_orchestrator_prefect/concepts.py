"""Explains which Prefect object each part of a product becomes."""

from __future__ import annotations

from datetime import UTC, datetime

from floe_core.plugin_api.concepts import product_concepts, schedule_becomes
from floe_core.plugin_api.powers import Concept
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_prefect.ticks.prefect_schedules import last_date

BECOMES = {
    "product": "flows, with the product as a tag of their deployments",
    "job": "a flow each, and a deployment named `floe` where `flow.py` serves",
    "schedule": "schedules of the deployment: Prefect's cron where it ticks alike, else dates",
    "partitions": "a parameter of a flow run; a scheduled run builds those of its tick",
    "model, seed, snapshot": "a task run in each flow run, and a Prefect asset",
    "test, unit test": "a task run in each flow run",
    "step": "a task run in each flow run, and a Prefect asset of what it writes",
    "source": "an asset that others depend on",
    "exposure": "nothing: Prefect does not run it",
    "columns": "nothing in Prefect; they are in lineage",
    "owner, tags, description": "owners and description of the assets, tags of the task runs",
    "granularity": "nothing: every node has its task run, beside the one task that builds",
    "retries": "retries of the task `dbt_build`, each of what has not passed",
    "timeout": "the build ends itself, and its run fails",
    "pool": "a tag of the task `dbt_build`: Prefect's limit of that tag, if it is set, holds; of "
    "nodes, a global concurrency limit",
    "alerts": "hooks of the flow that report the ends of its runs",
    "deadline": "a look every 10 s, where `flow.py` serves",
    "lineage": "OpenLineage events from the build",
}

# How Prefect runs a job that updates of ports start.
UPDATES = "flow runs that `flow.py` starts, where it serves, for updates in the ledger"


def concepts(artifacts: CompiledArtifacts) -> list[Concept]:
    """Return what each concept becomes in Prefect. See `ConceptExplainer`."""
    losses = {"schedule": _ends(artifacts)}
    becomes = {**BECOMES, "schedule": schedule_becomes(artifacts, BECOMES["schedule"], UPDATES)}
    return [
        Concept(name, here, becomes[name], losses.get(name, ""))
        for name, here in product_concepts(artifacts).items()
    ]


def _ends(artifacts: CompiledArtifacts) -> str:
    """Return what is lost of the schedules that Prefect gets as dates."""
    ends = {}
    for job in artifacts.jobs:
        if job.schedule and (last := last_date(job.schedule, datetime.now(UTC))):
            ends[job.name] = f"of {job.name} the last is on {last:%Y-%m-%d}"
    if not ends:
        return ""
    return (
        "Prefect's cron ticks otherwise around clock changes, so it gets dates, which end: "
        f"{', '.join(ends.values())}, unless the product is served anew before"
    )
