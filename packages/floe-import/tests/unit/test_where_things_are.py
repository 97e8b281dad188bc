"""What depends on the machine that imports, on its environment, and on other files beside the DAG file."""

from __future__ import annotations

from pathlib import Path

import pytest
from executed_imports import executed
from import_reports import short

from floe_import.import_files import Request, import_files
from floe_import.python.given_values import GivenValues
from floe_import.report import ImportReport

HERE = "Path(__file__).parent"
DAG = """\
import os
from pathlib import Path
from airflow.sdk import DAG
from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator
from cosmos import DbtTaskGroup, ExecutionConfig, ProfileConfig, ProjectConfig, RenderConfig

BEFORE
with DAG("shop_daily", catchup=False):
    TASK
    DbtTaskGroup(group_id="models", project_config=ProjectConfig("/dbt/shop"), MORE)
"""


def imported(
    folder: Path, more: str = "", task: str = "pass", before: str = "", projects: tuple = ()
) -> tuple[list[str], ImportReport]:
    """Return the findings that are not exact, but for that of the project, and the report."""
    file = folder / "dags" / "dag.py"
    file.parent.mkdir(exist_ok=True)
    file.write_text(DAG.replace("MORE", more).replace("TASK", task).replace("BEFORE", before))
    report = import_files(Request([file], projects, folder / "out"))
    said = [each.partition(" ")[2] for each in short(report)]
    return [each for each in said if not each.startswith("FLI110 ")], report


@pytest.mark.parametrize(
    ("more", "task", "said"),
    [
        (
            f"execution_config=ExecutionConfig(dbt_executable_path={HERE} / 'venv/bin/dbt')",
            "pass",
            ["COS304 changed ExecutionConfig(dbt_executable_path=)"],
        ),
        (
            f"operator_args={{'dbt_executable_path': f'{{{HERE}}}/venv/bin/dbt'}}",
            "pass",
            ["COS515 changed operator_args(dbt_executable_path=)"],
        ),
        (
            "execution_config=ExecutionConfig(dbt_executable_path="
            f"os.path.join({HERE}, '/opt/venv/bin/dbt'))",
            "pass",
            [],
        ),
        (
            f"operator_args={{'vars': {{'raw': str({HERE}).upper()}}}}",
            "pass",
            ["FLI004 unknown models", "COS511 unknown operator_args(vars=)"],
        ),
        (
            "",
            f"BashOperator(task_id='b', bash_command=f'{{{HERE}}}/venv/bin/dbt run --project-dir /dbt/shop')",
            ["BSH105 changed "],
        ),
        (
            "",
            "BashOperator(task_id='b', bash_command=f'dbt run --project-dir /dbt/shop "
            f'--vars "{{{{raw: {{{HERE}}}}}}}"\')',
            ["FLI004 unknown b", "DBT104 unknown --vars "],
        ),
        (
            "",
            "BashOperator(task_id='b', bash_command=f'{Path(__file__).parents[-2]}/venv/bin/dbt run"
            " --project-dir /dbt/shop')",
            ["BSH105 changed "],
        ),
    ],
)
def test_a_path_of_this_machine_is_written_nowhere(
    more: str, task: str, said: list[str], tmp_path: Path
) -> None:
    found, report = imported(tmp_path, more, task)
    assert [
        name for name, start in zip(found, said, strict=True) if not name.startswith(start)
    ] == []
    written = [text for name, text in report.files.items() if name.endswith(".yaml")]
    assert not [text for text in written if str(tmp_path) in text]


@pytest.mark.parametrize(
    ("task", "before", "said"),
    [
        ("os.environ['SCHEMA'] = 'x'", "", ["FLI010 changed os.environ['SCHEMA']"]),
        ("pass", "os.environ['DBT_PARTIAL_PARSE'] = '0'\n", ["FLI010 changed os.environ['DBT_PARTIAL_PARSE']"]),
        ("pass", "os.environ.update(A='1')\nos.environ.setdefault('B', '2')\n", ["FLI010 changed os.environ.update", "FLI010 changed os.environ.setdefault"]),
        ("pass", "from dotenv import load_dotenv\nload_dotenv()\n", ["FLI010 changed load_dotenv"]),
        ("pass", "from airflow.sdk import task\n@task\ndef own():\n    os.environ['A'] = '1'\n", []),
        ("pass", "os.environ.get('A')\n", []),
    ],
)  # fmt: skip
def test_variables_that_the_file_sets_are_reported(
    task: str, before: str, said: list[str], tmp_path: Path
) -> None:
    assert imported(tmp_path, task=task, before=before)[0] == said


@pytest.mark.parametrize(
    ("render", "said"),
    [
        ("", "COS401 changed DbtTaskGroup: assets"),
        ("RenderConfig(emit_datasets=True)", "COS401 changed RenderConfig(emit_datasets=)"),
        ("RenderConfig(emit_datasets=False)", "COS401 changed RenderConfig(emit_datasets=)"),
    ],
)
@pytest.mark.parametrize("is_used", [True, False])
def test_assets_change_where_a_file_beside_it_names_one(
    render: str, said: str, is_used: bool, tmp_path: Path
) -> None:
    other = tmp_path / "dags" / "marts" / "other.py"
    other.parent.mkdir(parents=True)
    name = "schedule" if is_used else "outlets"
    other.write_text(f"from airflow.sdk import Asset\n{name}=[Asset('postgres://a/b')]\n")
    library = other.parent / "venv" / "asset.py"
    library.parent.mkdir()
    library.write_text("Asset('postgres://a/b')\n")
    found, report = imported(tmp_path, f"render_config={render or None}")
    assert found == ([said] if is_used else [])
    if is_used and render != "RenderConfig(emit_datasets=False)":
        [why] = [f.sentence for f in report.findings if f.code == "COS401"]
        assert f"if {other}:2 waits for one of Cosmos's" in why


@pytest.mark.parametrize(("mode", "most"), [("LOCAL", None), ("WATCHER", 3)])
def test_threads_matter_where_one_call_of_dbt_builds_all_nodes(
    mode: str, most: int | None, tmp_path: Path
) -> None:
    found, report = imported(
        tmp_path,
        "execution_config=ExecutionConfig(execution_mode=ExecutionMode." + mode + "), "
        "operator_args={'dbt_cmd_flags': ['--threads', '3']}",
        before="from cosmos.constants import ExecutionMode\n",
    )
    assert found == []
    [floe] = [text for name, text in report.files.items() if name.endswith("floe.yaml")]
    assert ("maxParallel: 3" in floe) == (most == 3)


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("SQLExecuteQueryOperator(task_id='a', sql='create schema dbt.raw', database='dbt')", []),
        ("SQLExecuteQueryOperator(task_id='a', sql='EXECUTE DBT PROJECT shop')", ["FLI008 unknown SQLExecuteQueryOperator"]),
        ("PythonOperator(task_id='a', python_callable=mail, op_kwargs={'what': 'dbt trigger'})", []),
        ("PythonOperator(task_id='a', python_callable=shell, op_kwargs={'what': 'dbt trigger'})", ["FLI008 unknown PythonOperator"]),
        ("PythonOperator(task_id='a', python_callable=inner, op_kwargs={'what': 'dbt trigger'})", ["FLI008 unknown PythonOperator"]),
        ("PythonOperator(task_id='a', python_callable=of_library, op_kwargs={'what': 'dbt trigger'})", ["FLI008 unknown PythonOperator"]),
    ],
)  # fmt: skip
def test_the_word_dbt_in_a_name_or_a_message_runs_nothing(
    task: str, said: list[str], tmp_path: Path
) -> None:
    before = (
        "import subprocess\nfrom library import of_library\n\n\ndef mail(what):\n    print(what)\n\n\n"
        "def shell(what):\n    subprocess.run(what)\n\n\ndef inner(what):\n    shell(what)\n"
    )
    found = [
        each for each in imported(tmp_path, task=task, before=before)[0] if "BSH006" not in each
    ]
    assert found == said


@pytest.mark.parametrize(
    ("where", "target", "said"),
    [
        ("dbt/profiles.yml", "prod", ["FLI116"]),
        ("dbt/profiles.yml", "dev", ["FLI114", "FLI116"]),
        ("dbt/shop/profiles.yml", "prod", []),
    ],
)
def test_the_target_of_a_profile_beside_the_project_is_known(
    where: str, target: str, said: list[str], tmp_path: Path
) -> None:
    project = tmp_path / "dbt" / "shop"
    project.mkdir(parents=True)
    (project / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    (tmp_path / where).write_text(
        f"shop: {{target: {target}, outputs: {{prod: {{type: postgres, password: x}}, dev: {{type: postgres, password: x}}}}}}\n"
    )
    config = (
        f'ProfileConfig(profile_name="shop", target_name="prod", profiles_yml_filepath="/{where}")'
    )
    found, _ = imported(tmp_path, f"profile_config={config}", projects=(project,))
    assert [code for each in found if (code := each.split()[0]) in ("FLI114", "FLI116")] == said


@pytest.mark.parametrize(
    ("folder", "has_own", "said"),
    [
        ("Path.home() / '.dbt'", False, ""),
        ("os.path.expanduser('~/.dbt')", False, ""),
        ("Path('~/.dbt').expanduser()", True, "set DBT_PROFILES_DIR=${HOME}/.dbt where"),
        ("Path('~/profiles').expanduser()", False, "set DBT_PROFILES_DIR=${HOME}/profiles where"),
        ("os.environ['DBT_PROFILES_DIR']", False, "set DBT_PROFILES_DIR where `floe compile` runs"),
    ],
)
def test_profiles_in_the_home_folder(folder: str, has_own: bool, said: str, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    if has_own:
        (tmp_path / "shop/profiles.yml").write_text("shop: {target: dev, outputs: {dev: {}}}\n")
    file = tmp_path / "dag.py"
    file.write_text(
        "import os\nfrom pathlib import Path\nfrom airflow.sdk import DAG\n"
        "from cosmos import DbtTaskGroup, ProfileConfig, ProjectConfig\n"
        "with DAG('d', catchup=False):\n"
        "    DbtTaskGroup('g', project_config=ProjectConfig('/dbt/shop'), profile_config=\n"
        "        ProfileConfig(profile_name='shop', target_name='dev', profiles_yml_filepath=\n"
        f"            Path({folder}) / 'profiles.yml'))\n"
    )
    report = import_files(Request([file], (tmp_path / "shop",)))
    assert not [each for each in report.findings if each.disposition == "unknown"]
    found = [each.sentence for each in report.findings if each.code == "FLI116"]
    assert [each.startswith(said) for each in found] == [True] * bool(said)


@pytest.mark.parametrize("root", [None, "/srv"])
def test_a_folder_with_a_default_is_written_as_python_reads_it(
    root: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "conf.py").write_text(
        "import os\nfrom cosmos import ProjectConfig\n"
        "PROJECT = ProjectConfig(f\"{os.getenv('ROOT', '/opt')}/dbt/shop\")\n"
    )
    file = tmp_path / "dags" / "dag.py"
    file.write_text(
        "from conf import PROJECT\nfrom cosmos import DbtTaskGroup, ProfileConfig\n"
        "DbtTaskGroup(project_config=PROJECT, profile_config=ProfileConfig('shop', 'prod'))\n"
    )
    report = import_files(Request([file], (), Path("out")))
    monkeypatch.delenv("ROOT", raising=False)
    if root:
        monkeypatch.setenv("ROOT", root)
    [made] = executed(report.files["out/dags/dag.py"], "floe_orchestrator_airflow", monkeypatch)
    assert made == {"folder": f"{root or '/opt'}/dbt/shop", "group_id": "dbt_task_group"}


def test_the_folder_of_a_command_with_a_default_is_written_as_python_reads_it(
    tmp_path: Path,
) -> None:
    before = "FOLDER = os.getenv('FOLDER', '/opt/shop')\n"
    task = "BashOperator(task_id='b', bash_command=f'cd {FOLDER} && dbt run')"
    _, report = imported(tmp_path, task=task, before=before)
    [written] = [text for name, text in report.files.items() if name.endswith(".py")]
    assert "floe_task_group(os.getenv('FOLDER', '/opt/shop'), " in written


def test_a_value_decides_where_the_default_is_not_told(tmp_path: Path) -> None:
    file = tmp_path / "dag.py"
    more = "profile_config=ProfileConfig('shop', os.getenv('T', os.uname().sysname))"
    file.write_text(DAG.replace("MORE", more).replace("TASK", "pass").replace("BEFORE", ""))
    codes = {
        given: [
            f.code
            for f in import_files(Request([file], given=GivenValues(values))).findings
            if f.disposition == "unknown"
        ]
        for given, values in (("", {}), ("T", {"T": "prod"}))
    }
    assert codes == {"": ["COS202"], "T": []}


def test_a_connection_of_a_variable_asks_for_its_value(tmp_path: Path) -> None:
    before = "from airflow.sdk import Variable\nfrom cosmos.profiles import PostgresUserPasswordProfileMapping\n"
    more = (
        "profile_config=ProfileConfig('shop', 'prod', profile_mapping="
        "PostgresUserPasswordProfileMapping(conn_id=Variable.get('CONN')))"
    )
    _, report = imported(tmp_path, more, before=before)
    [why] = [f.sentence for f in report.findings if f.code == "COS204"]
    assert "give its value by --variable CONN=VALUE" in why


def test_a_message_in_a_log_calls_no_dbt(tmp_path: Path) -> None:
    before = "import logging\nlogging.getLogger().info('dbt snapshot is next')\nprint('dbt run')\n"
    assert imported(tmp_path, before=before)[0] == []
