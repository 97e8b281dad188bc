"""Calls of dbt in tasks, in coroutines, in loops and in functions."""

import asyncio

from prefect import flow, task
from prefect_dbt import DbtCoreOperation, PrefectDbtRunner, PrefectDbtSettings
from prefect_dbt.cli.commands import arun_dbt_seed, trigger_dbt_cli_command

SHOP = "/srv/shop"


@task
def packages(settings: PrefectDbtSettings | None = None):
    print(settings)
    DbtCoreOperation(commands=["dbt deps"], project_dir=SHOP).run()


@task(retries=2)
def build(select: str):
    runner = PrefectDbtRunner(settings=PrefectDbtSettings(project_dir=SHOP))
    return runner.invoke(["build", "--select", select])


@task
async def seeds():
    await arun_dbt_seed(project_dir=SHOP)


@flow
def nightly():
    settings = PrefectDbtSettings(project_dir=SHOP)
    packages()
    result = PrefectDbtRunner(settings=settings).invoke(["debug"])
    print(result.success)
    staging = build.submit("staging")
    build("marts", wait_for=[staging])


@flow
async def hourly():
    await seeds()
    for layer in ("one", "two"):
        await DbtCoreOperation(commands=[f"dbt run -s {layer}"], project_dir=SHOP).run()
    result = trigger_dbt_cli_command("dbt test", project_dir=SHOP)
    print(result)
    operation = DbtCoreOperation(commands=["dbt build -s one"], project_dir=SHOP).run()
    await asyncio.gather(operation, seeds())
