"""A team's own Airflow: DAG files of its own, and a product that lies elsewhere."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from floe_core.compiler import compile_product
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.local.service import LocalAirflow

SECONDS = 90.0
PAGE = Path(__file__).parents[2] / "docs/embedding-airflow.md"
RECIPE = re.compile(r"^```python\n# (\w+)\.py\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILES = {
    "dbt_project.yml": "name: sales\nversion: 1.0.0\nprofile: sales\n"
    "models: {+materialized: table}\n",
    "floe.yaml": "apiVersion: floe.dev/v1\nkind: FloeSpec\n"
    "metadata: {name: sales, version: 1.0.0, owner: sales@example.com}\n"
    "platform: {manifest: ../manifest.yaml}\n"
    "jobs:\n"
    '  - {name: staging, select: "staging"}\n'
    '  - {name: marts, select: "marts"}\n'
    "execution: {retries: 1, retryDelaySeconds: 1}\n",
    "models/sources.yml": "sources:\n"
    "  - {name: raw, schema: main, tables: [{name: raw_orders}, {name: scores}]}\n",
    "models/staging/stg_orders.sql": "select * from {{ source('raw', 'raw_orders') }}",
    "models/marts/marts.yml": "models:\n"
    "  - {name: orders, columns: [{name: id, data_tests: [unique, not_null]}]}\n",
    "models/marts/orders.sql": "select * from {{ ref('stg_orders') }}",
    "models/marts/customers.sql": "select customer, sum(amount) as spent, any_value(score) as score\n"
    "from {{ ref('orders') }} left join {{ source('raw', 'scores') }} using (customer)\n"
    "group by customer",
}


def recipes() -> dict[str, str]:
    """Return name -> text of the DAG files on the page about embedding."""
    return dict(RECIPE.findall(PAGE.read_text()))


def make_sales(folder: Path) -> CompiledArtifacts:
    """Write and compile the product of the recipes, with the tables that it reads."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    artifacts = compile_product(folder, orchestrator="airflow")
    with duckdb.connect(str(folder / "sales.duckdb")) as warehouse:
        warehouse.execute(
            "create table raw_orders as select 7 as id, 'Edsger' as customer, 5 as amount"
        )
        warehouse.execute("create table scores (customer varchar, score bigint)")
    return artifacts


def add_dag_file(airflow: LocalAirflow, name: str, text: str, dag_id: str = "") -> None:
    """Put a DAG file into an Airflow and wait until its DAG may run."""
    (airflow.home.dags / f"{name}.py").write_text(text)

    def is_there() -> bool:
        errors = airflow.api.import_errors()
        assert errors == [], errors
        dag = airflow.api.dag(dag_id or name)
        return bool(dag and dag["relative_fileloc"] == f"{name}.py" and not dag["is_stale"])

    wait_for(is_there)
    airflow.api.unpause(dag_id or name)


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.3)


def runs_of(airflow: LocalAirflow, dag_id: str) -> list[dict]:
    found: list[dict] = airflow.api.request("GET", f"/api/v2/dags/{dag_id}/dagRuns")["dag_runs"]
    return found


def wait_for_run(airflow: LocalAirflow, dag_id: str) -> str:
    """Return the id of the one run of a DAG when it has ended well."""
    wait_for(lambda: any(run["state"] in ("success", "failed") for run in runs_of(airflow, dag_id)))
    [run] = runs_of(airflow, dag_id)
    assert run["state"] == "success", states_of(airflow, dag_id, run["dag_run_id"])
    return str(run["dag_run_id"])


def states_of(airflow: LocalAirflow, dag_id: str, run_id: str) -> dict[str, str]:
    found = airflow.api.task_instances(dag_id, run_id)
    return {task["task_id"]: task["state"] for task in found}
