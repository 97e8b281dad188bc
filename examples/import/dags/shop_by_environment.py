"""The shop as Cosmos runs it: all of it each night in production, the staging models elsewhere."""

import os
from datetime import datetime
from pathlib import Path

from cosmos import DbtDag, ProfileConfig, ProjectConfig, RenderConfig

STAGE = os.getenv("STAGE", "dev")
SHOP = Path("/opt/airflow/dbt/shop")

if STAGE == "prod":
    render = RenderConfig()
    schedule = "0 3 * * *"
else:
    render = RenderConfig(select=["path:models/staging"])
    schedule = None

shop = DbtDag(
    dag_id="shop_by_environment",
    schedule=schedule,
    start_date=datetime(2026, 1, 1),
    project_config=ProjectConfig(SHOP),
    profile_config=ProfileConfig(
        profile_name="shop", target_name="dev", profiles_yml_filepath=SHOP / "profiles.yml"
    ),
    render_config=render,
)
