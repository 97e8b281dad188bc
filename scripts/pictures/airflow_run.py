"""The graph of a product's run in Airflow's pages."""

from __future__ import annotations

import time
from pathlib import Path
from urllib.parse import quote

from browser import Page, shows

from floe_core.schemas import CompiledArtifacts
from floe_orchestrator_airflow.local.rest_api import RestApi
from floe_orchestrator_airflow.local.service import LocalAirflow

# The cookie that Airflow's own login page sets.
COOKIE = "_token"


def picture_of_run(page: Page, artifacts: CompiledArtifacts, path: Path) -> None:
    """Write the picture of the newest run as a graph, each task with its state."""
    dag_id = artifacts.product.name
    with LocalAirflow.of_product(artifacts) as airflow:
        airflow.add(artifacts, dag_id)
        url, api = airflow.home.url, airflow.api
        page.send("Network.setCookie", name=COOKIE, value=_token(airflow), url=url)
        page.open(f"{url}/dags/{dag_id}", ready=shows(dag_id), settled_seconds=0.5)
        page.evaluate("""localStorage.setItem("default_dag_view", '"graph"')""")
        page.open(
            f"{url}/dags/{dag_id}/runs/{quote(_newest_run(api, dag_id))}", ready=shows("outcome")
        )
        page.press("Expand all task groups")
        page.press("Collapse Details Panel")
        time.sleep(1)
        page.press("Fit View")
        time.sleep(2)
        page.take(path)


def _token(airflow: LocalAirflow) -> str:
    from floe_orchestrator_airflow.local.home import USER

    credentials = {"username": USER, "password": airflow.home.password}
    token: str = airflow.api.request("POST", "/auth/token", credentials)["access_token"]
    return token


def _newest_run(api: RestApi, dag_id: str) -> str:
    found = api.request("GET", f"/api/v2/dags/{quote(dag_id)}/dagRuns?order_by=-run_after&limit=1")
    run_id: str = found["dag_runs"][0]["dag_run_id"]
    return run_id
