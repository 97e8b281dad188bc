"""The ways in which prefect-dbt calls dbt."""

from pathlib import Path

from prefect import flow, task
from prefect_dbt import DbtCoreOperation, PrefectDbtRunner, PrefectDbtSettings
from prefect_dbt.cli.commands import run_dbt_seed, trigger_dbt_cli_command

SHOP = Path("/srv/shop")
settings = PrefectDbtSettings(project_dir=SHOP, profiles_dir=SHOP)


@task
def load():
    print("loaded")


@flow(log_prints=True)
def nightly():
    load()
    runner = PrefectDbtRunner(settings=settings)
    runner.invoke(["run", "--select", "tag:nightly"])
    runner.invoke(["test"], select=["tag:nightly"], full_refresh=False)


@flow
def operation():
    return DbtCoreOperation(
        commands=["dbt deps", "dbt build --full-refresh"],
        project_dir="/srv/shop",
        profiles_dir="/srv/shop",
    ).run()


@flow
def commands():
    run_dbt_seed(project_dir="/srv/shop", extra_command_args=["--select", "raw"])
    trigger_dbt_cli_command("dbt build", project_dir="/srv/shop")


if __name__ == "__main__":
    nightly.serve(name="nightly", cron="0 6 * * *")
