"""A task or group that stays is in the written file, also if nothing reads its name."""

from __future__ import annotations

from pathlib import Path

from import_reports import report_of

AIRFLOW = """\
from airflow import DAG
from cosmos import DbtDag, DbtTaskGroup, ProfileConfig, ProjectConfig
from cosmos.operators import DbtDocsOperator
from unseen import settings

profile = ProfileConfig(profile_name="shop", target_name="prod")
with DbtDag(dag_id="one", project_config=ProjectConfig("/dbt/shop"), profile_config=profile) as one:
    docs = DbtDocsOperator(task_id="docs", project_dir="/dbt/shop", profile_config=profile)
with DAG("two"):
    stays = DbtTaskGroup("a", project_config=ProjectConfig(settings.path), profile_config=profile)
    goes = DbtTaskGroup("b", project_config=ProjectConfig("/dbt/shop"), profile_config=profile)
"""
PREFECT = """\
from prefect import flow
from prefect_dbt import PrefectDbtRunner, PrefectDbtSettings
from prefect_dbt.cli.commands import trigger_dbt_cli_command


@flow
def nightly():
    listed = trigger_dbt_cli_command("dbt ls", project_dir="/dbt/shop")
    made = PrefectDbtRunner(settings=PrefectDbtSettings(project_dir="/dbt/shop"))
    made.invoke(["build"])
"""


def written(text: str, folder: Path) -> str:
    (folder / "file.py").write_text(text)
    report = report_of(folder / "file.py")
    (found,) = (text for name, text in report.files.items() if name.endswith(".py"))
    return found


def test_tasks_and_groups_of_cosmos_that_stay_are_kept(tmp_path: Path) -> None:
    found = written(AIRFLOW, tmp_path)
    assert "docs = DbtDocsOperator(" in found
    assert "stays = DbtTaskGroup(" in found
    assert "goes = floe_task_group(" in found
    assert "as one:" in found


def test_a_call_of_prefect_dbt_that_stays_is_kept(tmp_path: Path) -> None:
    found = written(PREFECT, tmp_path)
    assert 'listed = trigger_dbt_cli_command("dbt ls"' in found
    assert "PrefectDbtRunner" not in found


def test_who_takes_tasks_of_nodes_out_of_a_group_has_to_decide(tmp_path: Path) -> None:
    text = AIRFLOW + "    goes.children['b.x_run'] >> stays\none.tasks_map['model.shop.x']\n"
    (tmp_path / "file.py").write_text(text)
    found = [each for each in report_of(tmp_path / "file.py").findings if each.code == "COS722"]
    assert [(each.disposition, each.construct) for each in found] == [
        ("unknown", "goes.children"),
        ("unknown", "one.tasks_map"),
    ]


def test_a_callback_that_cosmos_calls_for_each_node_is_changed(tmp_path: Path) -> None:
    call = 'DbtTaskGroup("b", default_args={"on_execute_callback": print}, '
    (tmp_path / "file.py").write_text(AIRFLOW.replace('DbtTaskGroup("b", ', call))
    found = [
        each for each in report_of(tmp_path / "file.py").findings if "execute" in each.construct
    ]
    assert [each.disposition for each in found] == ["changed"]


def test_a_group_stays_whose_credentials_are_unknown(tmp_path: Path) -> None:
    mapping = 'profile_mapping=TrinoCertificateProfileMapping("wh")'
    text = AIRFLOW.replace('target_name="prod"', f'target_name="prod", {mapping}')
    imported = "from cosmos.profiles import TrinoCertificateProfileMapping\n"
    (tmp_path / "file.py").write_text(imported + text)
    assert report_of(tmp_path / "file.py").files == {}
