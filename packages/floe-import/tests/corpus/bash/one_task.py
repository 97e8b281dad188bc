"""All of it in one task, and other ways to call dbt."""

import subprocess

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import dag, task


@dag(schedule=None)
def shop():
    nightly = BashOperator(
        task_id="nightly",
        bash_command="""
            set -e
            source /venv/bin/activate
            cd $DBT_HOME/shop
            dbt deps
            dbt run --vars '{region: eu}' --target prod --fail-fast
            dbt test --target prod
        """,
    )
    piped = BashOperator(task_id="piped", bash_command="cd /dbt && dbt build | tee log.txt")
    templated = BashOperator(
        task_id="templated", bash_command="dbt build --project-dir /dbt --vars '{day: {{ ds }}}'"
    )
    more = BashOperator(task_id="more", bash_command="cd /dbt && aws s3 sync a b && dbt build")
    documented = BashOperator(
        task_id="documented", bash_command="cd /dbt && dbt build --invented", env={"A": "b"}
    )
    pod = KubernetesPodOperator(task_id="pod", cmds=["dbt", "run"], image="dbt")

    @task
    def by_hand():
        """Run `dbt run` by hand."""
        subprocess.run("dbt run", shell=True, check=True)

    nightly >> piped >> templated >> more >> documented >> pod >> by_hand()
    print(piped.output)


shop()
