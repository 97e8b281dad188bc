"""A DAG file loads with any of the names missing that floe borrows from Airflow."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from borrowed_names import borrowed_names
from load_without import loads_without_each

from floe_core.compiler import compile_product
from floe_orchestrator_airflow import internals
from floe_orchestrator_airflow.local import internals as local_internals
from floe_orchestrator_airflow.mirrors import internals as mirror_internals

BORROWED = {
    internals: "airflow.models.dag_version.DagVersion",
    local_internals: "airflow.jobs.scheduler_job_runner.SchedulerJobRunner",
    mirror_internals: "airflow.jobs.triggerer_job_runner.TriggerRunnerSupervisor",
}


@pytest.fixture(scope="module")
def dag_file(products: Path) -> Path:
    artifacts = compile_product(products / "customer-360", orchestrator="airflow")
    assert artifacts.project_dir is not None
    return artifacts.project_dir / "dag.py"


@pytest.mark.parametrize("module", BORROWED, ids=lambda module: module.__name__)
def test_dags_load_without_any_one_of_them(dag_file: Path, module: ModuleType) -> None:
    door = Path(str(module.__file__))
    names = [".".join(name) for name in borrowed_names(door, "airflow")]
    assert BORROWED[module] in names
    assert loads_without_each(dag_file, door, "airflow") == {
        **dict.fromkeys(names, ""),
        "all of them": "",
    }
