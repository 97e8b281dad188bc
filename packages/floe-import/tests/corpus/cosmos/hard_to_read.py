"""What the source does not tell, and what floe does not do."""

from airflow.models import Variable
from airflow.sdk import DAG
from cosmos import (
    DbtDag,
    DbtRunOperationLocalOperator,
    DbtTaskGroup,
    ProfileConfig,
    ProjectConfig,
    RenderConfig,
)
from cosmos.config import ExecutionConfig
from cosmos.constants import ExecutionMode

profile = ProfileConfig(
    profile_name="shop", target_name="prod", profiles_yml_filepath="/dbt/profiles.yml"
)
args = {"retries": 1}
args.pop("retries")


class Nightly(DbtTaskGroup):
    """A group of one's own."""


def one_of(tag):
    return DbtTaskGroup(
        group_id=tag,
        project_config=ProjectConfig("/dbt/shop", install_dbt_deps=False),
        profile_config=profile,
        render_config=RenderConfig(select=[f"tag:{tag}"]),
    )


with DAG(dag_id="hard", schedule=None) as hard:
    for name in Variable.get("names"):
        DbtTaskGroup(
            group_id=name,
            project_config=ProjectConfig(f"/dbt/{name}", install_dbt_deps=False),
            profile_config=profile,
        )
    from_database = DbtTaskGroup(
        group_id="from_database",
        project_config=ProjectConfig(
            "/dbt/shop", dbt_vars=Variable.get("vars"), install_dbt_deps=False
        ),
        profile_config=profile,
        operator_args=args,
    )
    in_pods = DbtTaskGroup(
        group_id="in_pods",
        project_config=ProjectConfig(
            "/dbt/shop", env_vars={"REGION": "eu"}, install_dbt_deps=False
        ),
        profile_config=profile,
        execution_config=ExecutionConfig(execution_mode=ExecutionMode.KUBERNETES),
        invented="by nobody",
    )
    grants = DbtRunOperationLocalOperator(
        task_id="grants", macro_name="grant", project_dir="/dbt/shop", profile_config=profile
    )
    in_pods >> grants

every = [DbtDag, ExecutionMode]
