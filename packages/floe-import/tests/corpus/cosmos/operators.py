"""Operators of Cosmos that build nodes by themselves, one of them in a comprehension."""

from airflow.sdk import DAG
from cosmos import ProfileConfig
from cosmos.operators import DbtRunLocalOperator, DbtSeedLocalOperator, DbtTestLocalOperator
from cosmos.operators.local import DbtBuildLocalOperator, DbtRunOperationLocalOperator

PROJECT = "/dbt/shop"
profile = ProfileConfig(
    profile_name="shop", target_name="prod", profiles_yml_filepath="/dbt/shop/profiles.yml"
)

with DAG("steps", schedule="@daily", default_args={"retries": 1}):
    seed = DbtSeedLocalOperator(task_id="seed", project_dir=PROJECT, profile_config=profile)
    runs = [
        DbtRunLocalOperator(
            task_id=f"run_{tag}",
            select=f"tag:{tag} orders+",
            project_dir=PROJECT,
            profile_config=profile,
            vars={"tag": tag},
        )
        for tag in ("hot", "cold")
    ]
    test = DbtTestLocalOperator(
        task_id="test", exclude=["tag:slow"], project_dir=PROJECT, profile_config=profile
    )
    grant = DbtRunOperationLocalOperator(
        task_id="grant", macro_name="grant", project_dir=PROJECT, profile_config=profile
    )
    hidden = DbtBuildLocalOperator(
        task_id="hidden", models="{{ params.models }}", project_dir=PROJECT, profile_config=profile
    )
    seed >> runs >> test >> grant >> hidden
    print(hidden.output)
