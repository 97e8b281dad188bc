"""What a file loses without a word of its own: Airflow 3, retries that jobs share, projects."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from import_reports import short

from floe_import.import_files import Request, import_files

DAG = """\
from airflow.sdk import DAG
from airflow.providers.standard.operators.bash import BashOperator

with DAG("NAME", schedule=None, default_args={ARGS}):
    BashOperator(task_id="run", bash_command="cd FOLDER && dbt run")
"""


def dag_file(folder: Path, name: str, project: str = "/dbt/shop", args: str = "") -> Path:
    file = folder / f"{name}.py"
    text = DAG.replace("NAME", name).replace("FOLDER", project)
    file.write_text(text.replace("ARGS", args))
    return file


def dbt_project(folder: Path) -> Path:
    folder.mkdir()
    (folder / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    return folder


def test_what_airflow_3_no_longer_accepts_is_replaced_and_reported(tmp_path: Path) -> None:
    file = tmp_path / "old.py"
    file.write_text(
        "from airflow import DAG\n"
        "from airflow.operators.bash import BashOperator\n"
        "from airflow.operators.python import PythonOperator\n"
        "from airflow.utils.dates import days_ago\n"
        'with DAG("old", schedule_interval="@daily", start_date=days_ago(1)):\n'
        '    BashOperator(task_id="run", bash_command="cd /dbt/shop && dbt run")\n'
        '    PythonOperator(task_id="p", python_callable=print, provide_context=True)\n'
    )
    report = import_files(Request([file], out=Path("out")))
    assert [each for each in short(report) if "FLI013" in each] == [
        "5 FLI013 changed airflow.DAG",
        "5 FLI013 changed schedule_interval",
        "5 FLI013 unknown airflow.utils.dates.days_ago",
        "7 FLI013 changed airflow.operators.python.PythonOperator",
        "7 FLI013 unknown provide_context",
    ]
    written = report.files["out/dags/old.py"]
    assert 'with DAG("old", schedule="@daily", start_date=days_ago(1)):' in written
    assert "airflow.operators" not in written


def test_without_ruff_the_report_says_that_a_file_is_not_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    report = import_files(Request([dag_file(tmp_path, "shop")]))
    assert " FLI013 unknown file" in "\n".join(short(report))


def test_an_sla_in_default_args_is_reported_as_changed(tmp_path: Path) -> None:
    report = import_files(Request([dag_file(tmp_path, "shop", args='"sla": 60')]))
    assert "4 BSH807 changed default_args(sla=)" in short(report)


def test_a_job_that_gets_the_retries_of_another_one_is_reported(tmp_path: Path) -> None:
    files = [dag_file(tmp_path, "without"), dag_file(tmp_path, "with", args='"retries": 3')]
    report = import_files(Request(files))
    assert "5 FLI101 changed run: no retries" in short(report)


def test_one_project_is_not_given_to_files_that_name_two(tmp_path: Path) -> None:
    files = [dag_file(tmp_path, "one"), dag_file(tmp_path, "other", project="/dbt/finance")]
    project = dbt_project(tmp_path / "shop")
    report = import_files(Request(files, projects=[project], out=Path("out")))
    assert "5 FLI110 changed product finance" in short(report)
    assert sorted(each for each in report.files if each.endswith("floe.yaml")) == [
        str(project / "floe.yaml"),
        "out/finance/floe.yaml",
    ]
