"""Assets made from transforms alone, each to be run with a product's dbt resource."""

from typing import Any

from dagster import (
    AssetDep,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    MaterializeResult,
    asset,
)
from dagster._utils.tags import is_valid_tag_key

from floe_core.plugin_interfaces import TransformConfig
from floe_core.transform_graph import ordered
from floe_orchestrator_dagster.dbt_resource import FloeDbtResource


def assets_from_transforms(transforms: list[TransformConfig]) -> list[AssetsDefinition]:
    """Return one asset a transform, in the order of the list, its key the transform's name.

    Each needs the resource `dbt`, a `FloeDbtResource`, to run. A dependency that is not in the list
    is an asset of somebody else's.

    Raises:
        ValueError: A cycle, a transform that depends on itself, or a name given twice.
    """
    ordered(transforms)
    return [_asset(transform) for transform in transforms]


def _asset(transform: TransformConfig) -> AssetsDefinition:
    @asset(
        key=AssetKey([transform.name]),
        deps=[AssetDep(AssetKey([name])) for name in dict.fromkeys(transform.depends_on)],
        description=transform.meta.get("description") or f"The transform {transform.name}.",
        metadata=_metadata(transform),
        tags={tag: "" for tag in transform.tags if is_valid_tag_key(tag)},
        kinds={"dbt", *([transform.compute] if transform.compute else [])},
    )
    def build_transform(
        context: AssetExecutionContext, dbt: FloeDbtResource
    ) -> MaterializeResult[None]:
        return dbt.build_node(transform.name, context)

    return build_transform


def _metadata(transform: TransformConfig) -> dict[str, Any]:
    known = {
        "floe/transform": transform.name,
        "floe/path": transform.path,
        "floe/schema": transform.schema_name,
        "floe/materialization": transform.materialization,
        "floe/compute": transform.compute,
        "floe/tags": transform.tags,
        "floe/meta": transform.meta,
    }
    return {name: value for name, value in known.items() if value}
