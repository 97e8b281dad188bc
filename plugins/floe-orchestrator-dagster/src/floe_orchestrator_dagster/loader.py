"""Load a compiled product into Dagster, from `definitions.py` or a team's own code."""

from __future__ import annotations

from pathlib import Path

from dagster import AssetsDefinition, BackfillPolicy, Definitions

from floe_core.schedules.live_schedules import with_live_schedules
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.definitions.building import building_assets
from floe_orchestrator_dagster.definitions.product_definitions import definitions_of
from floe_orchestrator_dagster.names.asset_map import asset_map_of
from floe_orchestrator_dagster.names.asset_specs import Translate


def load_product_definitions(
    product_name: str, project_dir: Path | str, *, translate: Translate | None = None
) -> Definitions:
    """Return the definitions of the product compiled in a folder, read only from its artifacts.

    They can be merged with others with `Definitions.merge`. Schedules set at run time override
    those of floe.yaml. For `translate` see `floe_assets`.

    Raises:
        InvalidProductError: The folder is not compiled, is stale, or holds another product.
    """
    artifacts = CompiledArtifacts.load_product(product_name, project_dir)
    return definitions_of(with_live_schedules(artifacts), translate)


def floe_assets(
    project_dir: Path | str,
    *,
    translate: Translate | None = None,
    backfill_policy: BackfillPolicy | None = None,
) -> AssetsDefinition:
    """Return the assets and checks of a compiled product, for definitions that a team composes.

    Jobs and schedules are left to the team. `load_product_definitions` includes those of floe.yaml.

    Args:
        project_dir: The compiled folder of the product.
        translate: Called with each node and the `AssetSpec` that floe made for it; returns the
            spec to give to Dagster. It may change the key, group, owners, tags, metadata,
            dependencies, partitions and automation condition. Parents come before children, so a
            spec's dependencies already have their new keys. For a source only the key is used.
        backfill_policy: How a backfill of partitions is split into runs. With
            `BackfillPolicy.single_run()` dbt gets the whole range at once.

    Raises:
        InvalidProductError: The folder is not compiled or is stale, two nodes have one asset key,
            or `translate` returns something that is not an `AssetSpec`.
    """
    artifacts = CompiledArtifacts.load(project_dir)
    return building_assets(artifacts, asset_map_of(artifacts, translate), backfill_policy)
