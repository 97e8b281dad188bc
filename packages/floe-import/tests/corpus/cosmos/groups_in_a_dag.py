"""Two groups of one project, between tasks of other kinds."""

import os

import pendulum
from airflow.sdk import dag, task
from cosmos import (
    DbtTaskGroup,
    ExecutionConfig,
    ExecutionMode,
    ProfileConfig,
    ProjectConfig,
    RenderConfig,
)
from cosmos.constants import LoadMode, TestBehavior

HOME = os.environ["AIRFLOW_HOME"]
PROJECT = ProjectConfig(f"{HOME}/dbt/shop", install_dbt_deps=False, dbt_vars={"region": "eu"})
PROFILE = ProfileConfig("shop", "prod", f"{HOME}/dbt/shop/profiles.yml")
EXECUTION = ExecutionConfig(execution_mode=ExecutionMode.LOCAL)


@dag(schedule="@hourly", start_date=pendulum.datetime(2026, 1, 1), default_args={"retries": 1})
def shop_hourly():
    @task
    def load():
        print("loaded")

    staging = DbtTaskGroup(
        group_id="staging",
        project_config=PROJECT,
        profile_config=PROFILE,
        execution_config=EXECUTION,
        render_config=RenderConfig(
            select=["path:models/staging", "tag:hourly"], load_method=LoadMode.DBT_LS
        ),
        operator_args={"full_refresh": True, "queue": "dbt"},
    )
    marts = DbtTaskGroup(
        group_id="marts",
        project_config=PROJECT,
        profile_config=PROFILE,
        render_config=RenderConfig(
            exclude=["path:models/staging"], test_behavior=TestBehavior.NONE
        ),
    )
    load() >> staging >> marts


shop_hourly()
