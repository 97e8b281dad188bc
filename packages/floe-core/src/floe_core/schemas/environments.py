"""Apply an environment of the manifest to a compiled product: values change, never the graph."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, TypeVar

from floe_core.schemas.artifacts_fields import ArtifactsFields, EnvironmentValues
from floe_core.schemas.nodes import Node
from floe_core.schemas.policies import Job
from floe_core.schemas.resources import ResourceSpec
from floe_core.storage.environment_choice import unknown_environment

A = TypeVar("A", bound=ArtifactsFields)


def in_environment(artifacts: A, name: str) -> A:
    """Return the artifacts with the values of an environment; "" for the product's own.

    Raises:
        UsageError: The manifest that the product was compiled with has no such environment.
    """
    from floe_core.foundation.errors import UsageError

    if not name or artifacts.environment == name:
        return artifacts
    values = artifacts.environments.get(name)
    if values is None:
        known = sorted(artifacts.environments)
        raise UsageError(unknown_environment(name, known, artifacts.product.name))
    return artifacts.model_copy(
        update={
            "environment": name,
            "dbt": artifacts.dbt.model_copy(update=_of_dbt(artifacts, values)),
            "nodes": tuple(_in_place(node, values) for node in artifacts.nodes),
            "jobs": tuple(_of_job(job, values) for job in artifacts.jobs),
            "execution": artifacts.execution.model_copy(update=_of_execution(values)),
            "lineage": artifacts.lineage.model_copy(update=_of_lineage(values)),
            "resources": {**artifacts.resources, **values.resources},
            "orchestrator": artifacts.orchestrator.model_copy(
                update={"config": with_presets(artifacts.orchestrator.config, values.resources)}
            ),
        }
    )


def _of_job(job: Job, values: EnvironmentValues) -> Job:
    changes: dict[str, Any] = {"schedule": values.schedules.get(job.name, job.schedule)}
    if job.trigger is not None and values.triggers_enabled is not None:
        changes["trigger"] = job.trigger.model_copy(update={"enabled": values.triggers_enabled})
    if values.triggers_enabled is False:
        changes["deadline"] = None
    return job.model_copy(update=changes)


def with_presets(config: dict[str, Any], resources: dict[str, ResourceSpec]) -> dict[str, Any]:
    """Return a plugin's settings with these workload sizes in place of its own."""
    if not resources:
        return config
    presets = {size: asdict(resource) for size, resource in resources.items()}
    return {**config, "resource_presets": {**config.get("resource_presets", {}), **presets}}


def _of_dbt(artifacts: ArtifactsFields, values: EnvironmentValues) -> dict[str, Any]:
    place = {
        "target_name": values.target_name,
        "profile": values.profile,
        "value_sources": values.value_sources,
    }
    merged = {"vars": {**artifacts.dbt.vars, **values.vars}}
    return {**place, **merged} if values.target_name else merged


def _of_execution(values: EnvironmentValues) -> dict[str, Any]:
    return {} if values.max_parallel is None else {"max_parallel": values.max_parallel}


def _of_lineage(values: EnvironmentValues) -> dict[str, Any]:
    return {"namespace": values.lineage_namespace} if values.lineage_namespace else {}


def _in_place(node: Node, values: EnvironmentValues) -> Node:
    changes = values.nodes.get(node.unique_id)
    if not changes:
        return node
    if all(isinstance(value, str) for value in changes.values()):
        return node.model_copy(update=changes)
    return type(node).model_validate({**node.model_dump(), **changes})
