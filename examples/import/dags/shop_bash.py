"""The shop, as tasks of Bash run it."""

from datetime import datetime

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

DBT = "cd /opt/airflow/dbt/shop && dbt"

with DAG(dag_id="shop", schedule="0 6 * * *", start_date=datetime(2026, 1, 1)):
    seed = BashOperator(task_id="seed", bash_command=f"{DBT} seed --full-refresh")
    run = BashOperator(task_id="run", bash_command=f"{DBT} run --exclude tag:slow")
    test = BashOperator(task_id="test", bash_command=f"{DBT} test")
    docs = BashOperator(task_id="docs", bash_command=f"{DBT} docs generate")
    seed >> run >> test >> docs
