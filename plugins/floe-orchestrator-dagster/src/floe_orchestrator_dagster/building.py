"""The one Dagster step of a product: all its assets and checks, built by one dbt build."""

from collections.abc import Iterable, Iterator

from dagster import (
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    AssetSpec,
    In,
    Nothing,
    OpDefinition,
    Out,
    op,
)

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.asset_map import AssetMap
from floe_orchestrator_dagster.asset_specs import built_specs
from floe_orchestrator_dagster.check_specs import check_specs
from floe_orchestrator_dagster.dagster_names import build_op_name, distinct
from floe_orchestrator_dagster.retries import retry_policy
from floe_orchestrator_dagster.step import StepEvent, run_step


def building_assets(artifacts: CompiledArtifacts, asset_map: AssetMap) -> AssetsDefinition:
    """Return the definition that builds any part of the product in one step.

    `multi_asset` would name the outputs after keys, where two may become one name, and would take
    no check of a source: so the definition is put together here.
    """
    specs = built_specs(artifacts, asset_map)
    checks = check_specs(artifacts, asset_map)
    outputs = distinct([*map(_asset_output, specs), *map(_check_output, checks)])
    keys = dict(zip(outputs, (spec.key for spec in specs), strict=False))
    inputs = _inputs(specs)
    return AssetsDefinition(
        node_def=_build_op(artifacts, asset_map, inputs, outputs),
        keys_by_input_name=inputs,
        keys_by_output_name=keys,
        check_specs_by_output_name=dict(zip(outputs[len(specs) :], checks, strict=True)),
        specs=specs,
        can_subset=True,
    )


def _build_op(
    artifacts: CompiledArtifacts,
    asset_map: AssetMap,
    inputs: Iterable[str],
    outputs: Iterable[str],
) -> OpDefinition:
    @op(
        name=build_op_name(artifacts),
        description=f"dbt build of {artifacts.product.name}, whole or in part.",
        ins={name: In(Nothing) for name in inputs},
        out={name: Out(Nothing, is_required=False) for name in outputs},
        pool=artifacts.execution.pool or None,
        retry_policy=retry_policy(artifacts),
    )
    def dbt_build(context: AssetExecutionContext) -> Iterator[StepEvent]:
        yield from run_step(context, artifacts, asset_map)

    return dbt_build


def _inputs(specs: Iterable[AssetSpec]) -> dict[str, AssetKey]:
    """Return input name -> key, for what the product's own step does not build."""
    specs = list(specs)
    own = {spec.key for spec in specs}
    others = {dep.asset_key for spec in specs for dep in spec.deps} - own
    keys = sorted(others)
    return dict(zip(distinct(f"in__{'__'.join(key.path)}" for key in keys), keys, strict=True))


def _asset_output(spec: AssetSpec) -> str:
    return "__".join(spec.key.path)


def _check_output(spec: AssetCheckSpec) -> str:
    return f"{'__'.join(spec.asset_key.path)}__{spec.name}"
