"""Code that stays beside a group, and uses dbt's files: what a run leaves, and profiles.yml."""

from __future__ import annotations

from pathlib import Path

import pytest
from import_reports import report_of, short

from floe_import.import_files import Request, import_files

DAG = """\
import json
import shutil
from pathlib import Path
from airflow.sdk import DAG
from airflow.providers.standard.operators.bash import BashOperator
from cosmos import DbtTaskGroup, ProjectConfig
DBT = Path("/dbt/shop")
with DAG("shop", catchup=False):
    DbtTaskGroup("models", project_config=ProjectConfig("/dbt/shop"))
"""
RESULTS = "a run leaves its results in `.floe/runs`"
PROFILES = "write it also where `floe compile` runs"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ('json.loads((DBT / "target" / "run_results.json").read_text())', RESULTS),
        ('OUT = DBT / "target"', RESULTS),
        ('OUT = f"{DBT}/target"', RESULTS),
        ('BashOperator(task_id="a", bash_command="aws s3 cp /dbt/target/run/ s3://b")', RESULTS),
        ('BashOperator(task_id="a", bash_command="cd /dbt && rm -rf target logs")', RESULTS),
        ('(DBT / "profiles.yml").write_text("shop: {}")', PROFILES),
        ('shutil.copy("/secrets/profiles.yml", DBT)', PROFILES),
        ('BashOperator(task_id="a", bash_command="echo $P > ~/.dbt/profiles.yml")', PROFILES),
        (
            'FILE = DBT / "profiles.yml"\nwith open(FILE, "w") as file:\n    file.write("")',
            PROFILES,
        ),
        # These read what is there all the same.
        ('MANIFEST = DBT / "target" / "manifest.json"', ""),
        ('MANIFEST = "/dbt/shop/target/manifest.json"', ""),
        ('TARGET = "target"', ""),
        ('json.loads("target")', ""),
        ('open(DBT / "profiles.yml")', ""),
        ('print("no run_results.json")', ""),
        ('BashOperator(task_id="a", bash_command="ls", doc_md="It reads run_results.json")', ""),
    ],
)
def test_files_of_dbt_around_a_run(code: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "dag.py").write_text(DAG + code + "\n")
    found = [each for each in report_of(tmp_path / "dag.py").findings if each.code == "FLI011"]
    assert [each.disposition for each in found] == ["changed"] * bool(said)
    assert all(said in each.sentence for each in found)
    assert all(each.place.line >= 10 for each in found)


def test_a_file_beside_that_reads_the_results_is_reported_too(tmp_path: Path) -> None:
    (tmp_path / "dag.py").write_text(DAG)
    (tmp_path / "results.py").write_text("FOUND = open('target/run_results.json')\n")
    both = import_files(Request([tmp_path / "dag.py", tmp_path / "results.py"]))
    assert "1 FLI011 changed 'target/run_results.json'" in short(both)
    alone = report_of(tmp_path / "results.py")
    assert [each.code for each in alone.findings] == ["FLI002"]


def test_a_task_whose_function_of_another_file_reads_the_results(tmp_path: Path) -> None:
    (tmp_path / "results.py").write_text("def send():\n    open('run_results.json')\n")
    (tmp_path / "dag.py").write_text("from results import send\n" + DAG + "    send()\n")
    found = [each for each in report_of(tmp_path / "dag.py").findings if each.code == "FLI008"]
    assert [(each.construct, each.disposition) for each in found] == [("send", "unknown")]
