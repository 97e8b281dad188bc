"""The one Dagster step of a product, which builds all its assets and checks in one dbt build."""

from collections.abc import Iterable, Iterator, Mapping

from dagster import (
    AssetCheckSpec,
    AssetKey,
    AssetsDefinition,
    AssetSpec,
    BackfillPolicy,
    In,
    Nothing,
    OpDefinition,
    OpExecutionContext,
    Out,
    op,
)

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.definitions.check_specs import check_specs
from floe_orchestrator_dagster.definitions.retries import retry_policy
from floe_orchestrator_dagster.names.asset_map import AssetMap
from floe_orchestrator_dagster.names.asset_specs import NODE_METADATA
from floe_orchestrator_dagster.names.dagster_names import build_op_name, distinct
from floe_orchestrator_dagster.step.build_step import StepEvent, run_step
from floe_orchestrator_dagster.step.connection import resource_keys
from floe_orchestrator_dagster.step.run_config import config_fields


def building_assets(
    artifacts: CompiledArtifacts,
    asset_map: AssetMap,
    backfill_policy: BackfillPolicy | None = None,
    *,
    sends_alerts: bool = True,
) -> AssetsDefinition:
    """Return the definition that builds any part of the product in one step.

    `sends_alerts` is False if a sensor reports the ends of runs.

    The definition is assembled here without `multi_asset`, which names outputs after keys, so that
    two may get the same name, and does not accept a check of a source.
    """
    specs = [spec for _, spec in asset_map.specs]
    checks = check_specs(artifacts, asset_map)
    outputs = distinct([*map(_asset_output, specs), *map(_check_output, checks)])
    built = (node_id for node_id, _ in asset_map.specs)
    node_ids = dict(zip(outputs, [*built, *map(_node_id, checks)], strict=True))
    inputs = _inputs(specs, checks)
    return AssetsDefinition(
        node_def=_build_op(artifacts, inputs, node_ids, sends_alerts),
        keys_by_input_name=inputs,
        keys_by_output_name=dict(zip(outputs, (spec.key for spec in specs), strict=False)),
        check_specs_by_output_name=dict(zip(outputs[len(specs) :], checks, strict=True)),
        specs=specs,
        can_subset=True,
        backfill_policy=backfill_policy,
    )


def _build_op(
    artifacts: CompiledArtifacts,
    inputs: Iterable[str],
    node_ids: Mapping[str, str],
    sends_alerts: bool,
) -> OpDefinition:
    """Return the op, given output name -> node id."""

    @op(
        name=build_op_name(artifacts),
        description=f"dbt build of {artifacts.product.name}, whole or in part.",
        ins={name: In(Nothing) for name in inputs},
        out={name: Out(Nothing, is_required=False) for name in node_ids},
        config_schema=config_fields(),
        pool=pool_of_op(artifacts),
        required_resource_keys=resource_keys(artifacts),
        retry_policy=retry_policy(artifacts),
    )
    # Not an AssetExecutionContext: Dagster has none for a product with only tests.
    def dbt_build(context: OpExecutionContext) -> Iterator[StepEvent]:
        yield from run_step(context, artifacts, node_ids, sends_alerts=sends_alerts)

    return dbt_build


def pool_of_op(artifacts: CompiledArtifacts) -> str | None:
    """Return the pool of the product's op; None if jobs differ, as the step then claims a slot."""
    pools = {artifacts.pool_of(job) for job in artifacts.jobs}
    return next(iter(pools)) or None if len(pools) == 1 else None


def _inputs(specs: Iterable[AssetSpec], checks: Iterable[AssetCheckSpec]) -> dict[str, AssetKey]:
    """Return input name -> key, for assets that the product's step reads but does not build."""
    specs = list(specs)
    keys = {dep.asset_key for spec in specs for dep in spec.deps}
    for check in checks:
        keys |= {check.asset_key, *(dep.asset_key for dep in check.additional_deps)}
    others = sorted(keys - {spec.key for spec in specs})
    return dict(zip(distinct(f"in__{'__'.join(key.path)}" for key in others), others, strict=True))


def _asset_output(spec: AssetSpec) -> str:
    return "__".join(spec.key.path)


def _check_output(spec: AssetCheckSpec) -> str:
    return f"{'__'.join(spec.asset_key.path)}__{spec.name}"


def _node_id(check: AssetCheckSpec) -> str:
    return str(check.metadata[NODE_METADATA])
