"""A DAG file loads with any of the names missing that floe borrows from Airflow."""

from __future__ import annotations

from pathlib import Path

from borrowed_names import borrowed_names
from load_without import loads_without_each

from floe_core.compiler import compile_product
from floe_orchestrator_airflow import internals

DOOR = Path(internals.__file__)


def test_dags_load_without_any_one_of_them(products: Path) -> None:
    artifacts = compile_product(products / "customer-360", orchestrator="airflow")
    assert artifacts.project_dir is not None
    names = [".".join(name) for name in borrowed_names(DOOR, "airflow")]
    assert "airflow.models.dag_version.DagVersion" in names
    assert loads_without_each(artifacts.project_dir / "dag.py", DOOR, "airflow") == {
        **dict.fromkeys(names, ""),
        "all of them": "",
    }
