"""What the source does not tell, and what floe does not do."""

from prefect import flow, task
from prefect.blocks.system import Secret
from prefect_dbt import DbtCloudJob, DbtCoreOperation, PrefectDbtRunner
from prefect_shell import ShellOperation


@flow
def parameters(commands: list[str], target: str):
    DbtCoreOperation(commands=commands, project_dir="/srv/shop").run()
    with DbtCoreOperation(commands=["dbt run"], project_dir="/srv/shop") as operation:
        operation.trigger()
    PrefectDbtRunner(raise_on_failure=False).invoke(["build", "--target", target])


@task
def in_a_task():
    PrefectDbtRunner().invoke(["build"], of_tomorrow=True)


@flow
async def awaited():
    await DbtCoreOperation(
        commands=["dbt build"], project_dir="/srv/shop", env={"KEY": Secret.load("key").get()}
    ).run()
    await DbtCloudJob.load("job").run()
    ShellOperation(commands=["dbt build"]).run()
