"""The shop, as Cosmos runs it."""

from datetime import datetime, timedelta
from pathlib import Path

from airflow.sdk import DAG, task
from cosmos import DbtTaskGroup, ProfileConfig, ProjectConfig, RenderConfig

SHOP = Path("/opt/airflow/dbt/shop")

profile = ProfileConfig(
    profile_name="shop", target_name="dev", profiles_yml_filepath=SHOP / "profiles.yml"
)

with DAG(
    dag_id="shop",
    schedule="0 6 * * *",
    start_date=datetime(2026, 1, 1),
    default_args={"retries": 1, "retry_delay": timedelta(minutes=2)},
):

    @task
    def load() -> None:
        """Load the raw tables."""

    staging = DbtTaskGroup(
        group_id="staging",
        project_config=ProjectConfig(SHOP),
        profile_config=profile,
        render_config=RenderConfig(exclude=["tag:daily"]),
    )
    marts = DbtTaskGroup(
        group_id="marts",
        project_config=ProjectConfig(SHOP),
        profile_config=profile,
        render_config=RenderConfig(select=["tag:daily"], emit_datasets=False),
        operator_args={"full_refresh": True},
    )
    load() >> staging >> marts
