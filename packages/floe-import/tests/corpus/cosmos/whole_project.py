"""A DAG of a whole project, with a profile in the project's folder."""

from datetime import datetime, timedelta
from pathlib import Path

from cosmos import DbtDag, ProfileConfig, ProjectConfig

SHOP = Path("/opt/airflow/dbt/shop")

shop = DbtDag(
    dag_id="shop_daily",
    project_config=ProjectConfig(SHOP, install_dbt_deps=False),
    profile_config=ProfileConfig(
        profile_name="shop",
        target_name="prod",
        profiles_yml_filepath=SHOP / "profiles.yml",
    ),
    schedule="30 5 * * 1-5",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=3)},
    tags=["shop"],
)
