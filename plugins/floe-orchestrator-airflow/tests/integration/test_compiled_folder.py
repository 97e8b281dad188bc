"""What Airflow makes of a compiled folder, before anything runs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from airflow.sdk import DAG, TaskGroup
from serialized_dags import DagBag, DagSerialization

from floe_core.compiler import compile_product
from floe_core.foundation.errors import StaleProductError
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow import AirflowPlugin, floe_task_group
from floe_orchestrator_airflow.loader import load_product_dag, load_product_dags


def edges(dag: object) -> dict[str, set[str]]:
    return {task.task_id: set(task.upstream_task_ids) for task in dag.tasks}  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def customer_360(products: Path) -> CompiledArtifacts:
    return compile_product(products / "customer-360", orchestrator="airflow")


def test_the_dags_of_an_example_import_and_serialise(customer_360: CompiledArtifacts) -> None:
    assert customer_360.project_dir is not None
    bag = DagBag(str(customer_360.project_dir / "dag.py"), collect_dags=True)
    assert bag.import_errors == {}
    assert sorted(bag.dags) == ["customer-360", "customer-360.orders"]
    for dag in bag.dags.values():
        read = DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag))))
        assert edges(read) == edges(dag)


def test_the_tasks_have_dbts_edges_one_for_one(customer_360: CompiledArtifacts) -> None:
    assert customer_360.project_dir is not None
    manifest = json.loads((customer_360.project_dir / "target/manifest.json").read_text())
    relations = {
        i: node
        for i, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed", "snapshot")
    }

    def parents(node_id: str) -> set[str]:
        found: set[str] = set()
        for parent in relations[node_id].get("depends_on", {}).get("nodes", []):
            if parent not in relations:
                continue
            is_ephemeral = relations[parent]["config"]["materialized"] == "ephemeral"
            found |= parents(parent) if is_ephemeral else {relations[parent]["name"]}
        return found

    expected = {
        node["name"]: parents(i) or {"dbt_build"}
        for i, node in relations.items()
        if node["config"]["materialized"] != "ephemeral"
    }
    found = edges(load_product_dag("customer-360", customer_360.project_dir))
    assert {name: found[name] for name in expected} == expected


def test_a_group_is_in_the_dag_and_the_group_that_are_named(
    customer_360: CompiledArtifacts,
) -> None:
    assert customer_360.project_dir is not None
    with DAG("named") as around, TaskGroup("outer"):
        floe_task_group(customer_360.project_dir, group_id="product")
    dag = DAG("named")
    outer = TaskGroup("outer", dag=dag)
    with DAG("another") as another:
        group = floe_task_group(
            customer_360.project_dir, group_id="product", dag=dag, parent_group=outer
        )
    assert group.dag is dag
    assert another.tasks == []
    assert edges(dag) == edges(around)
    assert DagSerialization.to_dict(dag) == DagSerialization.to_dict(around)
    alone = DAG("alone")
    floe_task_group(customer_360.project_dir, group_id="product", dag=alone)
    assert {f"outer.{task_id}" for task_id in edges(alone)} == set(edges(dag))


def test_create_definitions_is_what_the_loader_gives(customer_360: CompiledArtifacts) -> None:
    assert customer_360.project_dir is not None
    made = AirflowPlugin().create_definitions(customer_360)
    loaded = load_product_dag("customer-360", customer_360.project_dir)
    assert DagSerialization.to_dict(made) == DagSerialization.to_dict(loaded)


def test_a_folder_can_be_moved(hello: CompiledArtifacts, tmp_path: Path) -> None:
    assert hello.project_dir is not None
    moved = tmp_path / "elsewhere"
    shutil.copytree(hello.project_dir, moved, ignore=shutil.ignore_patterns(".floe"))
    bag = DagBag(str(moved / "dag.py"), collect_dags=True)
    assert (bag.import_errors, list(bag.dags)) == ({}, ["hello"])


def test_reading_dag_py_imports_nothing_of_dbt(hello: CompiledArtifacts) -> None:
    assert hello.project_dir is not None
    heavy = {"dbt", "duckdb", "openlineage", "sqlglot", "agate", "floe_core.compiler"}
    program = (
        "import runpy, sys; runpy.run_path(sys.argv[1]);"
        f"print(sorted({heavy!r} & set(sys.modules)))"
    )
    file = hello.project_dir / "dag.py"
    found = subprocess.run(
        [sys.executable, "-c", program, str(file)], capture_output=True, text=True, check=True
    )
    assert found.stdout.splitlines()[-1] == "[]"


def test_a_folder_of_another_product_is_refused(hello: CompiledArtifacts) -> None:
    assert hello.project_dir is not None
    with pytest.raises(StaleProductError) as refused:
        load_product_dags("goodbye", hello.project_dir)
    assert str(refused.value) == (
        f"{hello.project_dir / 'compiled_artifacts.json'}: it holds the product 'hello', not "
        "'goodbye'\nfix: run `floe compile` in the product folder, or correct the name in dag.py"
    )


@pytest.mark.parametrize(
    "file", ["compiled_artifacts.json", "profiles.yml", "target/manifest.json"]
)
def test_a_folder_that_lacks_a_file_is_an_import_error_that_names_it(
    hello: CompiledArtifacts, tmp_path: Path, file: str
) -> None:
    assert hello.project_dir is not None
    broken = tmp_path / "broken"
    shutil.copytree(hello.project_dir, broken, ignore=shutil.ignore_patterns(".floe"))
    (broken / file).unlink()
    bag = DagBag(str(broken / "dag.py"), collect_dags=True)
    [error] = bag.import_errors.values()
    assert f"{broken / file}: the file is missing\nfix: run `floe compile`" in error
