"""Configuration that several DAG files share."""

from pathlib import Path

from cosmos.config import ExecutionConfig, ProfileConfig
from cosmos.profiles import PostgresUserPasswordProfileMapping

DBT = Path("/opt/airflow/dbt")


class Settings:
    """What all files share."""

    marts = str(DBT / "marts")


profile = ProfileConfig(
    profile_name="marts",
    target_name="prod",
    profile_mapping=PostgresUserPasswordProfileMapping(
        conn_id="warehouse", profile_args={"schema": "marts"}
    ),
)
execution = ExecutionConfig(dbt_executable_path="/opt/dbt/bin/dbt")


def render():
    """Return what each file renders."""
    from cosmos import RenderConfig

    return RenderConfig(selector="nightly")
