"""The shop, as dagster-dbt runs it."""

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


class ByFolder(DagsterDbtTranslator):
    """Groups by folder."""

    def get_group_name(self, dbt_resource_props):
        """Return the folder of a model below models/, and "seeds" for a seed."""
        parts = dbt_resource_props["fqn"]
        return parts[1] if len(parts) > 2 else "seeds"


@dbt_assets(manifest=project.manifest_path, dagster_dbt_translator=ByFolder())
def shop_assets(context: dg.AssetExecutionContext, dbt: DbtCliResource):
    """Build the shop."""
    yield from dbt.cli(["build"], context=context).stream()


@dg.asset(deps=[get_asset_key_for_model([shop_assets], "customers")])
def report() -> None:
    """Send the report."""


daily = build_schedule_from_dbt_selection(
    [shop_assets], job_name="daily", cron_schedule="0 6 * * *"
)
defs = dg.Definitions(
    assets=[shop_assets, report],
    schedules=[daily],
    resources={"dbt": DbtCliResource(project_dir=project)},
)
