"""Makes assets from transforms only, without a compiled product, to run with a dbt resource."""

from typing import Any

from dagster import (
    AssetDep,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    AssetSpec,
    In,
    MaterializeResult,
    Nothing,
    OpDefinition,
    Out,
    op,
)

from floe_core.plugin_api.transform_graph import ordered
from floe_core.plugin_interfaces import TransformConfig
from floe_orchestrator_dagster.dbt_resource import FloeDbtResource
from floe_orchestrator_dagster.names.asset_specs import takes_tag
from floe_orchestrator_dagster.names.dagster_names import distinct


def assets_from_transforms(transforms: list[TransformConfig]) -> list[AssetsDefinition]:
    """Return one asset per transform, in the order of the list, with the transform's name as key.

    Each needs the resource `dbt`, a `FloeDbtResource`, to run. A dependency that is not in the list
    is taken to be an asset defined elsewhere.

    Raises:
        ValueError: There is a cycle, a transform that depends on itself, or a duplicate name.
    """
    ordered(transforms)
    op_names = distinct(transform.name for transform in transforms)
    return [_asset(*pair) for pair in zip(transforms, op_names, strict=True)]


def _asset(transform: TransformConfig, op_name: str) -> AssetsDefinition:
    """Return an asset with any name: `@asset` would name its op after the key, and reject `a b`."""
    spec = _spec(transform)
    keys = [dep.asset_key for dep in spec.deps]
    inputs = dict(zip(distinct("__".join(key.path) for key in keys), keys, strict=True))
    return AssetsDefinition(
        node_def=_op(transform, op_name, list(inputs)),
        keys_by_input_name=inputs,
        keys_by_output_name={"result": spec.key},
        specs=[spec],
    )


def _spec(transform: TransformConfig) -> AssetSpec:
    return AssetSpec(
        key=AssetKey([transform.name]),
        deps=[AssetDep(AssetKey([name])) for name in dict.fromkeys(transform.depends_on)],
        description=transform.meta.get("description") or f"The transform {transform.name}.",
        metadata=_metadata(transform),
        tags={tag: "" for tag in transform.tags if takes_tag(tag)},
        kinds={"dbt", *_kinds(transform.compute)},
    )


def _op(transform: TransformConfig, op_name: str, inputs: list[str]) -> OpDefinition:
    @op(name=op_name, ins={name: In(Nothing) for name in inputs}, out=Out(Nothing))
    def build_transform(
        context: AssetExecutionContext, dbt: FloeDbtResource
    ) -> MaterializeResult[None]:
        return dbt.build_node(transform.name, context)

    return build_transform


def _kinds(compute: str | None) -> list[str]:
    """Return the compute as a kind if Dagster accepts it; it is always in the metadata."""
    return [compute] if compute and takes_tag(f"dagster/kind/{compute}") else []


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
