"""A project's assets with a translator of one's own, beside other assets."""

from pathlib import Path

import dagster as dg
from dagster_dbt import (
    DagsterDbtTranslator,
    DbtCliResource,
    DbtProject,
    build_schedule_from_dbt_selection,
    dbt_assets,
    get_asset_key_for_model,
)

project = DbtProject(project_dir=Path("/srv/shop"))
project.prepare_if_dev()


class Translator(DagsterDbtTranslator):
    """Groups by folder."""

    def get_group_name(self, dbt_resource_props):
        return dbt_resource_props["fqn"][1]


@dbt_assets(
    manifest=project.manifest_path,
    dagster_dbt_translator=Translator(),
    select="tag:daily",
    op_tags={"team": "shop"},
)
def shop_assets(context: dg.AssetExecutionContext, dbt: DbtCliResource):
    """Build the shop."""
    yield from dbt.cli(["build"], context=context).stream().fetch_row_counts()


@dg.asset(deps=[get_asset_key_for_model([shop_assets], "orders")])
def push() -> None:
    print("pushed")


daily = build_schedule_from_dbt_selection(
    [shop_assets], job_name="daily", cron_schedule="0 6 * * *"
)

defs = dg.Definitions(
    assets=[shop_assets, push],
    schedules=[daily],
    resources={"dbt": DbtCliResource(project_dir=project)},
)
