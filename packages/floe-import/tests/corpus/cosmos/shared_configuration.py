"""Configuration that comes from another file."""

from airflow.sdk import DAG
from cosmos.airflow.task_group import DbtTaskGroup
from cosmos.config import ProjectConfig
from include.warehouse import Settings, execution, profile, render

with DAG(dag_id="marts_nightly", schedule="0 2 * * *", catchup=False) as nightly:
    marts = DbtTaskGroup(
        group_id="marts",
        project_config=ProjectConfig(dbt_project_path=Settings.marts, install_dbt_deps=False),
        profile_config=profile,
        execution_config=execution,
        render_config=render(),
    )
