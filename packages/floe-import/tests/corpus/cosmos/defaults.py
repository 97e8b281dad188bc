"""A DAG that says what Cosmos and Airflow do anyway, and assigns a name twice."""

from datetime import datetime

from cosmos import (
    DbtDag,
    ExecutionConfig,
    ExecutionMode,
    ProfileConfig,
    ProjectConfig,
    RenderConfig,
)
from cosmos.constants import TestBehavior

DBT = "/opt/old/bin/dbt"
DBT = "/opt/dbt/bin/dbt"
EXECUTION = ExecutionConfig(
    execution_mode=ExecutionMode("local"),
    dbt_executable_path=DBT,
    virtualenv_dir=None,
    setup_operator_args=None,
)

shop = DbtDag(
    dag_id="shop_daily",
    project_config=ProjectConfig("/opt/airflow/dbt/shop", install_dbt_deps=False),
    profile_config=ProfileConfig("shop", "prod", "/opt/airflow/dbt/shop/profiles.yml"),
    execution_config=EXECUTION,
    render_config=RenderConfig(
        test_behavior=TestBehavior("after_each"), node_converters={}, normalize_task_id=None
    ),
    operator_args=None,
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    concurrency=4,
    default_args={
        "depends_on_past": False,
        "wait_for_downstream": False,
        "trigger_rule": "all_success",
        "pool_slots": 1,
        "execution_timeout": None,
        "on_failure_callback": None,
        "max_retry_delay": None,
        "retry_delay": None,
        "outlets": [],
        "pool": None,
    },
)
EXECUTION = None
