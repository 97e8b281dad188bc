"""A product that changes while Airflow reads it: what runs is the product as it is now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from wait_for import wait_for

from floe_core.compiler import compile_product
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.local.service import LocalAirflow

# Once, the DAG's process takes its time after it has read the product.
POLICIES = """
import time
from pathlib import Path

HERE = Path(__file__).parent

def dag_policy(dag):
    if (HERE / "wait").exists():
        (HERE / "wait").rename(HERE / "waits")
        time.sleep(5)
"""

Make = Callable[..., CompiledArtifacts]


@pytest.fixture
def airflow(tmp_path: Path) -> Iterator[LocalAirflow]:
    (tmp_path / "airflow_local_settings.py").write_text(POLICIES)
    variables = {"PYTHONPATH": str(tmp_path)}
    with LocalAirflow(tmp_path / "airflow", variables=variables) as running:
        yield running


def test_a_parse_that_began_before_the_change_does_not_count(
    airflow: LocalAirflow, make_product: Make, tmp_path: Path
) -> None:
    product = make_product("changing", {"first.sql": "select 1 as id"})
    airflow.add(product, "changing")
    known = airflow.api.dag("changing")
    assert known is not None
    (tmp_path / "wait").touch()
    airflow.api.request_parse(known["file_token"])
    wait_for((tmp_path / "waits").exists)

    (product.folder / "models" / "second.sql").write_text("select 2 as id")
    airflow.add(compile_product(product.folder, orchestrator="airflow"), "changing")
    tasks = airflow.api.request("GET", "/api/v2/dags/changing/tasks")["tasks"]
    assert {"first", "second"} <= {task["task_id"] for task in tasks}
