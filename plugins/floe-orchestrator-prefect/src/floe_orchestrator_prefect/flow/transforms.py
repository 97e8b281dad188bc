"""Materializing tasks made from transforms only, to be called with a product's folder."""

from __future__ import annotations

from typing import Any

from prefect.assets import Asset, AssetProperties
from prefect.cache_policies import NO_CACHE
from prefect.tasks import MaterializingTask

from floe_core.plugin_api.transform_graph import ordered
from floe_core.plugin_interfaces import TransformConfig
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_prefect.names.prefect_names import asset_key
from floe_orchestrator_prefect.task.one_node import build_one_node, node_named

_FACTS = ("path", "schema_name", "materialization", "compute", "tags", "meta")
# The product name of assets that were made without a product.
PRODUCT = "transforms"


def tasks_from_transforms(transforms: list[TransformConfig]) -> list[MaterializingTask[..., Any]]:
    """Return one task per transform, in the order of the list, its asset named like the transform.

    Call each in a flow with `project_dir`, the compiled folder of the product that has the node. A
    dependency that is not in the list is taken to be an asset defined elsewhere.

    Raises:
        ValueError: There is a cycle, a transform that depends on itself, or a duplicate name.
    """
    ordered(transforms)
    return [_task(transform) for transform in transforms]


def _task(transform: TransformConfig) -> MaterializingTask[..., Any]:
    facts = _facts(transform)

    def build_transform(project_dir: str) -> None:
        artifacts = CompiledArtifacts.load(project_dir)
        build_one_node(artifacts, node_named(artifacts, transform.name), facts)

    return MaterializingTask(
        fn=build_transform,
        name=transform.name,
        description=transform.meta.get("description") or f"The transform {transform.name}.",
        tags=transform.tags or None,
        assets=[_asset(transform, facts)],
        asset_deps=[
            Asset(key=asset_key(PRODUCT, name)) for name in dict.fromkeys(transform.depends_on)
        ],
        materialized_by="dbt",
        cache_policy=NO_CACHE,
        persist_result=False,
    )


def _asset(transform: TransformConfig, facts: dict[str, Any]) -> Asset:
    described = ", ".join(f"{name}: {value}" for name, value in facts.items())
    properties = AssetProperties(name=transform.name, description=described or None)
    return Asset(key=asset_key(PRODUCT, transform.name), properties=properties)


def _facts(transform: TransformConfig) -> dict[str, Any]:
    """Return the facts about a transform, without empty ones."""
    facts = {name: getattr(transform, name) for name in _FACTS}
    copied = {"tags": list(transform.tags), "meta": dict(transform.meta)}
    return {name: value for name, value in {**facts, **copied}.items() if value}
