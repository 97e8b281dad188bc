"""What has no effect is exact, and what overrides what is as in Airflow and Cosmos."""

from __future__ import annotations

from pathlib import Path

import pytest

from floe_import.import_files import Request, import_files

CORPUS = Path(__file__).parents[1] / "corpus" / "cosmos"

GROUP = """\
import os
from airflow.sdk import DAG
from cosmos import DbtTaskGroup, ExecutionConfig, ProjectConfig, RenderConfig
from cosmos.constants import ExecutionMode, SeedRenderingBehavior, TestBehavior

with DAG("shop_daily", {dag}):
    DbtTaskGroup(group_id="models", project_config=ProjectConfig("/dbt/shop"), {group})
"""


def imported(folder: Path, group: str = "", dag: str = "catchup=False"):
    file = folder / "dag.py"
    file.write_text(GROUP.format(group=group, dag=dag))
    report = import_files(Request([file], (), folder / "out"))
    floe = next((text for name, text in report.files.items() if name.endswith("floe.yaml")), "")
    said = [f"{f.code} {f.disposition}" for f in report.findings if f.disposition != "exact"]
    return [each for each in said if each != "FLI110 changed"], floe


def test_arguments_at_their_defaults_are_exact() -> None:
    report = import_files(Request([CORPUS / "defaults.py"], (), Path("out")))
    said = [f"{f.code} {f.construct}" for f in report.findings if f.disposition != "exact"]
    assert said == ["FLI110 product shop", "FLI114 target prod"]
    assert report.files["out/shop/floe.yaml"].endswith(
        "execution:\n  dbtExecutable: /opt/dbt/bin/dbt\n  maxParallel: 4\n"
    )
    assert "    max_active_tasks=4,\n" in report.files["out/dags/defaults.py"]


@pytest.mark.parametrize("text", ["none", "after_each", "skip"])
def test_a_text_is_no_test_behavior_so_no_test_runs(text: str, tmp_path: Path) -> None:
    said, floe = imported(tmp_path, f"render_config=RenderConfig(test_behavior={text!r})")
    assert said == []
    assert "exclude: resource_type:test resource_type:unit_test\n" in floe


@pytest.mark.parametrize(
    ("group", "code"),
    [
        ("execution_config=ExecutionConfig(execution_mode='virtualenv')", "COS301"),
        ("execution_config=ExecutionConfig(test_indirect_selection='buildable')", "COS302"),
        ("render_config=RenderConfig(seed_rendering_behavior='none')", "COS407"),
        ("render_config=RenderConfig(source_rendering_behavior='all')", "COS412"),
        (
            "render_config=RenderConfig(test_behavior='none'), "
            "execution_config=ExecutionConfig(ExecutionMode.WATCHER)",
            "COS406",
        ),
    ],
)
def test_a_text_is_no_member_of_another_enumeration(group: str, code: str, tmp_path: Path) -> None:
    said, floe = imported(tmp_path, group)
    assert set(said) == {f"{code} unknown", "FLI004 unknown"}
    assert floe == ""


def test_a_group_that_names_the_dag_around_it_is_exact(tmp_path: Path) -> None:
    file = tmp_path / "dag.py"
    text = GROUP.format(group="dag=shop", dag="catchup=False")
    file.write_text(text.replace("catchup=False):", "catchup=False) as shop:"))
    assert [
        f.code for f in import_files(Request([file])).findings if f.disposition == "unknown"
    ] == []
    file.write_text(
        text.replace('with DAG("shop_daily", catchup=False):', 'shop = DAG("x")\nif shop:')
    )
    report = import_files(Request([file]))
    assert [f.code for f in report.findings if f.disposition == "unknown"] == []
    [written] = [text for name, text in report.files.items() if name.endswith(".py")]
    assert "dag=shop" in written


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("os.environ['SCHEMA']", []),
        ("os.getenv('SCHEMA')", []),
        ("os.getenv('SCHEMA', 'dev')", ["COS512 lost"]),
        ("os.environ['OTHER']", ["COS512 lost"]),
        ("'dev'", ["COS512 lost"]),
    ],
)
def test_a_variable_that_is_passed_on_is_exact(value: str, said: list[str], tmp_path: Path) -> None:
    found, _ = imported(tmp_path, f"operator_args={{'env': {{'SCHEMA': {value}}}}}")
    assert found == said


@pytest.mark.parametrize(("value", "said"), [(True, []), (False, ["COS519 changed"])])
def test_dbt_has_all_variables_of_the_worker(value: bool, said: list[str], tmp_path: Path) -> None:
    assert imported(tmp_path, f"operator_args={{'append_env': {value}}}")[0] == said


def test_the_location_of_bigquery_has_a_place_elsewhere(tmp_path: Path) -> None:
    said, floe = imported(tmp_path, "operator_args={'location': 'EU'}")
    assert said == ["COS520 changed"]
    assert floe


def test_arguments_of_cosmos_before_1_0_are_named(tmp_path: Path) -> None:
    said, floe = imported(tmp_path, "conn_id='warehouse', dbt_root_path='/dbt'")
    assert (set(said), floe) == ({"COS713 unknown", "FLI004 unknown"}, "")


def test_arguments_of_the_group_override_those_of_the_dag(tmp_path: Path) -> None:
    dag = "default_args={'pool': 'wide', 'retries': 1}"
    group = "operator_args={'retries': 3, 'pool': 'narrow'}, default_args={'retries': 2}"
    said, floe = imported(tmp_path, group, dag)
    assert said == ["COS815 changed", "COS615 changed"]
    assert "  retries: 3\n" in floe
    assert "  pool: narrow\n" in floe


@pytest.mark.parametrize(
    ("dag", "said", "parallel"),
    [
        ("max_active_tasks=1", [], "maxParallel: 1\n"),
        ("max_active_tasks=8", ["COS702 changed"], "maxParallel: 8\n"),
        ("max_active_tasks=int(os.environ['TASKS'])", ["COS702 changed"], ""),
    ],
)
def test_the_limit_of_tasks_of_the_dag_is_one_of_dbt(
    dag: str, said: list[str], parallel: str, tmp_path: Path
) -> None:
    found, floe = imported(tmp_path, dag=dag)
    assert found == said
    assert parallel in floe
    assert bool(parallel) == ("maxParallel" in floe)
