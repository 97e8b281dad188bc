"""Explains which Dagster object each part of a product becomes."""

from __future__ import annotations

from floe_core.plugin_api.concepts import product_concepts, schedule_becomes
from floe_core.plugin_api.powers import Concept
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

BECOMES = {
    "product": "assets in a group of its name, and a tag of its runs",
    "job": "an asset job each, of exactly its nodes and tests",
    "schedule": "a schedule: Dagster's own cron where it ticks alike, else one that asks floe",
    "partitions": "partitions of the assets, and of the runs that build them",
    "model, seed, snapshot": "an asset, with the key that dagster-dbt gives it",
    "test, unit test": "an asset check",
    "step": "an asset for each thing that it writes, materialized by its process",
    "source": "a dependency: whoever fills it may define the asset",
    "exposure": "nothing: Dagster does not run it",
    "columns": "the column schema of the asset",
    "owner, tags, description": "owners, tags, group and description of the assets",
    "granularity": "nothing: every node is an asset or a check, in one step",
    "retries": "the retry policy of the step, each of what has not passed",
    "timeout": "the build ends itself, and its run fails",
    "pool": "the pool of the step, or of nodes in it; a step claims that of its job itself where "
    "jobs differ",
    "alerts": "a sensor that reports the ends of runs, and sends what waits",
    "deadline": "the same sensor, which looks every 10 s",
    "lineage": "OpenLineage events from the build",
}


def concepts(artifacts: CompiledArtifacts) -> list[Concept]:
    """Return what each concept becomes in Dagster. See `ConceptExplainer`."""
    updates = "a sensor, which looks at the ledger of ports every 10 s"
    becomes = {**BECOMES, "schedule": schedule_becomes(artifacts, BECOMES["schedule"], updates)}
    return [
        Concept(name, here, becomes[name]) for name, here in product_concepts(artifacts).items()
    ]
