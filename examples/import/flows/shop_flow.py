"""The shop, as prefect-dbt runs it."""

from prefect import flow, task
from prefect_dbt import PrefectDbtRunner, PrefectDbtSettings

SHOP = "/srv/shop"


@task
def load() -> None:
    """Load the raw tables."""


@flow
def shop() -> None:
    """Load and build the shop."""
    load()
    runner = PrefectDbtRunner(settings=PrefectDbtSettings(project_dir=SHOP, profiles_dir=SHOP))
    runner.invoke(["seed"])
    runner.invoke(["build", "--exclude", "resource_type:seed"])


if __name__ == "__main__":
    shop.serve(name="shop", cron="0 6 * * *")
