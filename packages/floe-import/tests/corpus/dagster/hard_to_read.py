"""What the source does not tell, and what floe does not do."""

import json
from pathlib import Path

import dagster as dg
from dagster_dbt import DbtCliResource, DbtCloudWorkspace, DbtProject, dbt_assets

project = DbtProject("/srv/shop", target="prod", state_path="state")


@dbt_assets(
    manifest=project.manifest_path, partitions_def=dg.DailyPartitionsDefinition("2026-01-01")
)
def partitioned(context: dg.AssetExecutionContext, dbt: DbtCliResource):
    day = context.partition_key
    yield from dbt.cli(["build", "--vars", json.dumps({"day": day})], context=context).stream()


@dbt_assets(manifest=Path("/srv/shop/target/manifest.json"), of_tomorrow=True)
def narrowed(context: dg.AssetExecutionContext, dbt: DbtCliResource):
    yield from dbt.cli(["run", "--full-refresh"], context=context).stream().with_insights()


cloud = DbtCloudWorkspace()
