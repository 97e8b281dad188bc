"""Seeds, models and tests, each in a task of its own."""

from datetime import datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

DBT = "/opt/dbt/shop"
FLAGS = f"--project-dir {DBT} --profiles-dir {DBT}"

with DAG(
    dag_id="shop",
    schedule="0 6 * * *",
    start_date=datetime(2026, 1, 1),
    default_args={"retries": 1, "retry_delay": timedelta(minutes=5), "owner": "data"},
) as dag:
    deps = BashOperator(task_id="deps", bash_command=f"cd {DBT} && dbt deps")
    seed = BashOperator(task_id="seed", bash_command=f"dbt seed {FLAGS} --full-refresh")
    run = BashOperator(
        task_id="run",
        bash_command=f"dbt run {FLAGS} --select tag:daily staging+ --exclude tag:slow",
    )
    test = BashOperator(task_id="test", bash_command=f"dbt test {FLAGS}", trigger_rule="all_done")
    tell = BashOperator(task_id="tell", bash_command="echo done")
    deps >> seed >> run >> test >> tell
