"""Load a compiled product into Dagster, from `definitions.py` or a team's own code."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from multiprocessing import parent_process
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from dagster import AssetsDefinition, BackfillPolicy, Definitions, RetryPolicy

from floe_core.foundation.errors import invalid
from floe_core.foundation.garbage_collection import collector_at_rest
from floe_core.schedules.live_schedules import with_live_schedules
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.definitions.building import StepSettings, building_assets
from floe_orchestrator_dagster.definitions.product_definitions import (
    assets_of_product,
    definitions_of,
)
from floe_orchestrator_dagster.names.asset_specs import Translate
from floe_orchestrator_dagster.step.step_nodes import Columns
from floe_orchestrator_dagster.translator.helper_metadata import EXCLUDE, SELECT, tags_of_selection
from floe_orchestrator_dagster.translator.selected_part import selected_part

if TYPE_CHECKING:
    from dagster_dbt import DagsterDbtTranslator


@collector_at_rest()
def load_product_definitions(
    product_name: str,
    project_dir: Path | str,
    *,
    translate: Translate | None = None,
    translator: DagsterDbtTranslator | None = None,
) -> Definitions:
    """Return the definitions of the product compiled in a folder, read only from its artifacts.

    They can be merged with others with `Definitions.merge`. Schedules set at run time override
    those of floe.yaml. For `translate` and `translator` see `floe_assets`.

    Raises:
        InvalidProductError: The folder is not compiled, is stale, or holds another product.
    """
    artifacts = CompiledArtifacts.load_product(product_name, project_dir)
    # A run needs no schedule, so it does not depend on the store of them.
    live = artifacts if _is_run() else with_live_schedules(artifacts)
    return definitions_of(live, translate, translator)


def _is_run() -> bool:
    """Return whether this process runs a job or a step of one, and serves no definitions."""
    return parent_process() is not None or not {"execute_run", "execute_step"}.isdisjoint(sys.argv)


@collector_at_rest()
def floe_assets(
    project_dir: Path | str,
    *,
    translator: DagsterDbtTranslator | None = None,
    translate: Translate | None = None,
    select: str = "",
    exclude: str = "",
    name: str = "",
    op_tags: Mapping[str, Any] = MappingProxyType({}),
    retry_policy: RetryPolicy | None = None,
    backfill_policy: BackfillPolicy | None = None,
    columns: Columns = "auto",
) -> AssetsDefinition:
    """Return the assets and checks of a compiled product, for definitions that a team composes.

    Jobs and schedules are left to the team. `load_product_definitions` includes those of floe.yaml.

    Args:
        project_dir: The compiled folder of the product.
        translator: A `DagsterDbtTranslator`, which makes the specs as for `@dbt_assets`, from
            dbt's manifest. Tests that it makes no check of run and are not shown.
        translate: Called with each node and the `AssetSpec` that floe made for it; returns the
            spec to give to Dagster. It may change the key, group, owners, tags, metadata,
            dependencies, partitions and automation condition. Parents come before children, so a
            spec's dependencies already have their new keys. For a source only the key is used.
        select: The nodes to include, in dbt's syntax; "" includes all.
        exclude: The nodes to leave out, in dbt's syntax.
        name: The name of the op that runs dbt. Sets of one product need different names.
        op_tags: Tags of that op.
        retry_policy: When Dagster retries the op, instead of `execution` of floe.yaml.
        backfill_policy: How a backfill of partitions is split into runs. With
            `BackfillPolicy.single_run()` dbt gets the whole range at once.
        columns: What materializations say of columns: "schema", "lineage" (the schema, and the
            columns that each column comes from), or "off". "auto" is the schema on DuckDB, SQLite
            and PostgreSQL: other warehouses take a noticeable time to answer.

    Raises:
        InvalidProductError: The folder is not compiled or is stale, two nodes have one asset key,
            or `translate` or `translator` raises, or returns something that is not an `AssetSpec`.
        UsageError: The selection is invalid or matches no node.
    """
    artifacts = CompiledArtifacts.load(project_dir)
    everything = assets_of_product(artifacts, translate, translator)
    settings = StepSettings(
        name=name,
        tags={**op_tags, **tags_of_selection(select, exclude)},
        retry_policy=retry_policy,
        backfill_policy=backfill_policy,
        columns=columns,
    )
    if clash := sorted(op_tags.keys() & {SELECT, EXCLUDE}):
        raise invalid(f"op_tags has {', '.join(clash)}", fix="use select and exclude instead")
    return building_assets(
        artifacts, selected_part(artifacts, everything, select, exclude), settings
    )
