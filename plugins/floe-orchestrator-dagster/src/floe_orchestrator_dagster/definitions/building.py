"""The one Dagster step of a product, which builds all its assets and checks in one dbt build."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

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
    RetryPolicy,
    op,
)

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.names.asset_map import AssetMap
from floe_orchestrator_dagster.names.dagster_names import PRODUCT_TAG, build_op_name, distinct
from floe_orchestrator_dagster.step.connection import resource_keys
from floe_orchestrator_dagster.step.run_config import config_fields
from floe_orchestrator_dagster.step.step_nodes import Columns, NodesOfStep, StepEvent


@dataclass(frozen=True)
class StepSettings:
    """How the step of some assets is defined; by default as floe.yaml says.

    `name` is that of its op, "" for the product's; `tags` and `retry_policy` are the op's.
    `sends_alerts` is False if a sensor reports the ends of runs. `columns` is what materializations
    say of columns.
    """

    name: str = ""
    tags: Mapping[str, Any] = field(default_factory=dict)
    retry_policy: RetryPolicy | None = None
    backfill_policy: BackfillPolicy | None = None
    sends_alerts: bool = True
    columns: Columns = "auto"


FROM_FLOE_YAML = StepSettings()


def building_assets(
    artifacts: CompiledArtifacts, asset_map: AssetMap, settings: StepSettings = FROM_FLOE_YAML
) -> AssetsDefinition:
    """Return the definition that builds any part of the map's assets in one step.

    The definition is assembled here without `multi_asset`, which names outputs after keys, so that
    two may get the same name, and does not accept a check of a source.
    """
    specs = [spec for _, spec in asset_map.specs]
    checks = [check for _, check in asset_map.checks]
    outputs = distinct([*map(_asset_output, specs), *map(_check_output, checks)])
    ids = (node_id for node_id, _ in (*asset_map.specs, *asset_map.checks))
    nodes = NodesOfStep(
        dict(zip(outputs, ids, strict=True)),
        asset_map.unshown,
        asset_map.keys,
        runs_source_checks=asset_map.runs_source_checks,
    )
    inputs = _inputs(specs, checks)
    return AssetsDefinition(
        node_def=_build_op(artifacts, inputs, nodes, settings),
        keys_by_input_name=inputs,
        keys_by_output_name=dict(zip(outputs, (spec.key for spec in specs), strict=False)),
        check_specs_by_output_name=dict(zip(outputs[len(specs) :], checks, strict=True)),
        specs=specs,
        can_subset=True,
        backfill_policy=settings.backfill_policy or backfill_policy_of(artifacts),
    )


def _build_op(
    artifacts: CompiledArtifacts,
    inputs: Iterable[str],
    nodes: NodesOfStep,
    settings: StepSettings,
) -> OpDefinition:
    @op(
        name=settings.name or build_op_name(artifacts),
        description=f"dbt build of {artifacts.product.name}, whole or in part.",
        ins=dict.fromkeys(inputs, In(Nothing)),
        out=dict.fromkeys(nodes.ids_by_output, Out(Nothing, is_required=False)),
        config_schema=config_fields(),
        tags={**settings.tags, PRODUCT_TAG: artifacts.product.name},
        pool=pool_of_op(artifacts),
        required_resource_keys=resource_keys(artifacts),
        retry_policy=settings.retry_policy or retry_policy(artifacts),
    )
    # Not an AssetExecutionContext: Dagster has none for a product with only tests.
    def dbt_build(context: OpExecutionContext) -> Iterator[StepEvent]:
        # What only loads definitions does not need what builds.
        from floe_orchestrator_dagster.step.build_step import run_step

        alerts, columns = settings.sends_alerts, settings.columns
        yield from run_step(context, artifacts, nodes, sends_alerts=alerts, columns=columns)

    return dbt_build


def backfill_policy_of(artifacts: CompiledArtifacts) -> BackfillPolicy | None:
    """Return how many partitions a run of a backfill builds; None without partitions."""
    if artifacts.partitions is None:
        return None
    by = artifacts.execution.backfill_by
    if by == "range":
        return BackfillPolicy.single_run()
    return BackfillPolicy.multi_run(1 if by == "tick" else by)


def pool_of_op(artifacts: CompiledArtifacts) -> str | None:
    """Return the pool of the product's op; None if jobs differ, as the step then claims a slot."""
    pools = {artifacts.pool_of(job) for job in artifacts.jobs}
    return next(iter(pools)) or None if len(pools) == 1 else None


def _inputs(specs: Sequence[AssetSpec], checks: Iterable[AssetCheckSpec]) -> dict[str, AssetKey]:
    """Return input name -> key, for assets that the step reads but does not build.

    An asset that reads its own earlier partitions is an input too, as in `multi_asset`.
    """
    built = {spec.key for spec in specs}
    deps = [dep for spec in specs for dep in spec.deps]
    keys = {d.asset_key for d in deps if d.asset_key not in built or d.partition_mapping}
    for check in checks:
        keys |= {check.asset_key, *(dep.asset_key for dep in check.additional_deps)} - built
    others = sorted(keys)
    return dict(zip(distinct(f"in__{'__'.join(key.path)}" for key in others), others, strict=True))


def _asset_output(spec: AssetSpec) -> str:
    return "__".join(spec.key.path)


def _check_output(spec: AssetCheckSpec) -> str:
    return f"{'__'.join(spec.asset_key.path)}__{spec.name}"


class DoublingRetryPolicy(RetryPolicy):
    """Waits the delay before the first retry, then twice as long each time.

    Dagster's own `Backoff.EXPONENTIAL` waits 1, 3, 7 times the delay; floe's products wait the same
    time on every orchestrator.
    """

    def calculate_delay(self, attempt_num: int) -> float:
        """Return the seconds before retry `attempt_num`, which counts from 1."""
        return float((self.delay or 0) * 2 ** (attempt_num - 1))


def retry_policy(artifacts: CompiledArtifacts) -> RetryPolicy | None:
    """Return the product's retry policy; None if it has no retries."""
    if not artifacts.retries:
        return None
    policy = artifacts.execution
    kind = DoublingRetryPolicy if policy.retry_backoff == "exponential" else RetryPolicy
    return kind(max_retries=artifacts.retries, delay=policy.retry_delay_seconds)
