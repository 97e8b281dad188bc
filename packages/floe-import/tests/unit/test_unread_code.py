"""What concerns dbt and no reader understands is unknown, with its line; nothing is dropped."""

from __future__ import annotations

from pathlib import Path

import pytest
from import_reports import report_of, short

from floe_import.import_files import Request, import_files

BASH = "from airflow.providers.standard.operators.bash import BashOperator\n"
COSMOS = "from cosmos import DbtDag, DbtTaskGroup, ProjectConfig, RenderConfig\n"
OPERATORS = "from airflow.providers.{0} import {1}\n"
POD = "cncf.kubernetes.operators.pod"
# Name -> the file, and what is said of it.
HIDDEN: dict[str, tuple[str, list[str]]] = {
    "all names of a library": (
        "from cosmos import *\nDbtDag(dag_id='d')\n",
        ["1 FLI008 unknown import of *", "2 FLI008 unknown DbtDag"],
    ),
    "an import that depends on a condition": (
        "import sys\nif sys.argv:\n    from dagster_dbt import dbt_assets\n"
        "else:\n    dbt_assets = print\ndbt_assets()\n",
        ["3 FLI008 unknown import of dbt_assets"],
    ),
    "a partial": (
        "from functools import partial\n" + COSMOS + "Group = partial(DbtTaskGroup)\n"
        "Group(group_id='g', project_config=ProjectConfig('/dbt'))\n",
        ["3 COS005 unknown DbtTaskGroup", "4 COS005 unknown ProjectConfig"],
    ),
    "a configuration that is changed": (
        COSMOS + "render = RenderConfig()\nrender.select = ['a']\n"
        "DbtDag(dag_id='d', project_config=ProjectConfig('/d'), render_config=render)\n",
        [
            "2 COS005 unknown RenderConfig",
            "4 FLI004 unknown d",
            "4 COS002 unknown RenderConfig",
        ],
    ),
    "a module under another name": (
        "import cosmos as c\nMine = c.DbtDag\nMine(dag_id='d', invented=1)\n",
        ["2 COS005 unknown c.DbtDag", "3 FLI003 unknown d", "3 COS000 unknown DbtDag(invented=)"],
    ),
    "a module that is imported by its name": (
        "import importlib\ntool = importlib.import_module('cosmos.airflow.dag')\n"
        "tool.DbtDag(dag_id='d')\n__import__('dagster_dbt')\nexec('import prefect_dbt')\n",
        [
            "2 FLI008 unknown importlib.import_module('cosmos.airflow.dag')",
            "4 FLI008 unknown __import__('dagster_dbt')",
            "5 FLI008 unknown exec('import prefect_dbt')",
        ],
    ),
    "an attribute by its name": (
        "import cosmos\ngetattr(cosmos, 'DbtDag')(dag_id='d')\n",
        ["2 FLI008 unknown cosmos"],
    ),
    "a class of one's own": (
        COSMOS + "class Mine(DbtDag):\n    pass\nMine(dag_id='d')\n",
        ["2 COS005 unknown DbtDag"],
    ),
    "a script": (
        BASH + "BashOperator(task_id='t', bash_command='/opt/run_dbt.sh')\n"
        "RUN = '/opt/nightly_dbt --all'\nBashOperator(task_id='u', bash_command=RUN)\n",
        ["2 FLI008 unknown BashOperator", "4 FLI008 unknown BashOperator"],
    ),
    "a script that calls dbt": (
        BASH + "BashOperator(task_id='t', bash_command='scripts/nightly.sh {{ ds }}')\n",
        ["2 FLI008 unknown BashOperator"],
    ),
    "a task that returns a command": (
        "from airflow.sdk import task\n@task.bash\ndef one():\n    return 'dbt build'\n"
        "@task.bash\ndef two():\n    return '/opt/run_dbt.sh'\n"
        "@task.kubernetes(image='dbt:1')\ndef three():\n    pass\n",
        ["4 BSH006 unknown dbt build", "6 FLI008 unknown two", "8 FLI008 unknown task.kubernetes"],
    ),
    "other operators": (
        OPERATORS.format("ssh.operators.ssh", "SSHOperator")
        + OPERATORS.format(POD, "KubernetesPodOperator")
        + OPERATORS.format("dbt.cloud.operators.dbt", "DbtCloudRunJobOperator")
        + "SSHOperator(task_id='a', command='run dbt')\n"
        "KubernetesPodOperator(task_id='b', image='shop-dbt:1')\n"
        "KubernetesPodOperator(task_id='c', image='shop:1', arguments=['dbt', 'build'])\n"
        "DbtCloudRunJobOperator(task_id='d', job_id=1)\n",
        [
            "4 FLI008 unknown SSHOperator",
            "5 FLI008 unknown KubernetesPodOperator",
            "6 BSH006 unknown ['dbt', 'build']",
            "7 BSH006 unknown DbtCloudRunJobOperator",
        ],
    ),
    "a process": (
        "import os, subprocess\nsubprocess.run(['/opt/run-dbt', 'now'])\n"
        "os.system('make dbt-all')\n",
        ["2 FLI008 unknown subprocess.run", "3 FLI008 unknown os.system"],
    ),
    "a library of the company": (
        "from company.airflow import make_dbt_dag\nfrom airflow_dbt_tools import Run\n"
        "make_dbt_dag('/dbt')\nRun()\n",
        ["3 FLI008 unknown make_dbt_dag", "4 FLI008 unknown Run"],
    ),
    "a function of another file": (
        "from factories import make\nimport factories\nmake('a')\nfactories.deeper()\n",
        ["3 COS007 unknown make", "4 FLI008 unknown factories.deeper"],
    ),
    "a group of another file": ("from factories import made\n", ["1 FLI008 unknown made"]),
    "all names of another file": (
        "from factories import *\nmake('a')\n",
        ["2 COS007 unknown make"],
    ),
    "a file that cannot be read": (
        "from broken import make\nmake('a')\n",
        ["1 FLI008 unknown import of make"],
    ),
    "DAGs of YAML": (
        "import dagfactory\ndagfactory.load_yaml_dags(globals_dict=globals())\n",
        ["2 FLI008 unknown dagfactory.load_yaml_dags"],
    ),
    "a component of one's own": (
        "import dagster as dg\nfrom dagster_dbt import DbtProjectComponent\n"
        "class Mine(DbtProjectComponent):\n    pass\n"
        "@dg.component_instance\ndef shop(context):\n    return DbtProjectComponent('.')\n",
        ["3 DGS007 unknown DbtProjectComponent", "7 DGS007 unknown DbtProjectComponent"],
    ),
    "components of a folder": (
        "import dagster as dg\ndefs = dg.load_from_defs_folder(path_within_project='defs')\n",
        ["2 FLI008 unknown dg.load_from_defs_folder"],
    ),
    "old functions of prefect-dbt": (
        "from prefect import flow\nfrom prefect_dbt.cli.commands import trigger_dbt_cli_command\n"
        "from prefect_dbt import PrefectDbtRunner, DbtCoreOperation\n"
        "@flow\ndef f():\n    trigger_dbt_cli_command('dbt build --invented')\n"
        "    DbtCoreOperation.load('block').run()\n    run = PrefectDbtRunner.invoke\n",
        [
            "6 FLI003 unknown f",
            "6 DBT000 unknown --invented",
            "7 PRE006 unknown DbtCoreOperation.load",
            "8 PRE006 unknown PrefectDbtRunner.invoke",
        ],
    ),
    "a method of another file": (
        "from factories import Settings\nSettings.of_dbt()\nSettings.of_all()\nSettings.of_mail()\n"
        "print(Settings)\n",
        [
            "2 FLI008 unknown Settings.of_dbt",
            "3 FLI008 unknown Settings",
            "5 FLI008 unknown Settings",
        ],
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts/nightly.sh").write_text("cd /dbt && dbt build\n")
    (tmp_path / "broken.py").write_text("def make(\n")
    (tmp_path / "factories.py").write_text(
        "import subprocess\n" + COSMOS + "def make(name):\n    return DbtDag(dag_id=name)\n"
        "def run():\n    subprocess.run(['dbt', 'build'])\n"
        "def deeper():\n    return [run]\n"
        "made = DbtDag(dag_id='made')\n"
        "class Settings:\n    @staticmethod\n    def of_dbt():\n        return ['dbt', 'build']\n"
        "    @staticmethod\n    def of_mail():\n        return 'mail'\n"
        "    @classmethod\n    def of_all(cls):\n        return cls.of_dbt()\n"
    )
    return tmp_path


@pytest.mark.parametrize("name", HIDDEN)
def test_what_a_reader_of_syntax_can_miss_is_unknown(name: str, folder: Path) -> None:
    text, expected = HIDDEN[name]
    file = folder / "dag.py"
    file.write_text(text)
    assert short(report_of(file)) == expected
    other = folder / "other.py"
    other.write_text("print('nothing')\n")
    both = import_files(Request([file, other]))
    assert short(both) == expected
    assert both.files == {}


@pytest.mark.parametrize(
    "text",
    [
        "from airflow.sdk import DAG\nDAG('dbt_daily', tags=['dbt'], doc_md='runs dbt')\n",
        "from airflow.providers.standard.operators.empty import EmptyOperator\n"
        "EmptyOperator(task_id='before_dbt', pool='dbt')\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from company_dbt import Options\n"
        "def read(options: 'Options', more: Options) -> Options: ...\n",
        "from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator\n"
        "TriggerDagRunOperator(task_id='t', trigger_dag_id='dbt_daily')\n",
    ],
)
def test_a_name_or_a_description_is_no_call_of_dbt(text: str, folder: Path) -> None:
    file, other = folder / "dag.py", folder / "other.py"
    file.write_text(text)
    other.write_text("")
    assert short(import_files(Request([file, other]))) == []


@pytest.mark.parametrize("error", ["ImportError", "ModuleNotFoundError"])
def test_an_import_that_may_fail_is_that_of_where_it_does_not(error: str, folder: Path) -> None:
    file = folder / "dag.py"
    file.write_text(
        f"try:\n    from cosmos import DbtDag, ProjectConfig\nexcept {error}:\n    DbtDag = None\n"
        "shop = DbtDag(dag_id='shop', project_config=ProjectConfig('/shop'), invented=1)\n"
        "other = DbtDag(dag_id='other', project_config=ProjectConfig('/shop'))\n"
    )
    report = report_of(file)
    assert "5 COS000 unknown DbtDag(invented=)" in short(report)
    written = report.files["out/dags/dag.py"]
    assert "other = load_product_dag('shop', '/shop', dag_id='other')" in written
    compile(written, "dag.py", "exec")


def test_a_group_of_another_file_that_is_imported_too_is_exact(folder: Path) -> None:
    file = folder / "dag.py"
    file.write_text("from factories import made, run\nrun()\n")
    report = import_files(Request([file, folder / "factories.py"]))
    said = [f for f in report.findings if f.place.file == str(file)]
    assert [(f.place.line, f.code, f.disposition) for f in said] == [
        (1, "FLI008", "exact"),
        (2, "FLI008", "exact"),
    ]


def test_a_file_of_yaml_that_is_no_component_is_unknown_at_its_line(tmp_path: Path) -> None:
    file = tmp_path / "dags.yml"
    file.write_text("daily:\n  tasks:\n    build: {operator: Bash, bash_command: dbt build}\n")
    assert short(import_files(Request([file]))) == ["3 FLI002 unknown file"]


@pytest.mark.parametrize(
    ("files", "line"),
    [
        ({"helper.py": "from made import *\n"}, "from helper import build"),
        ({"helper.py": "from made import *\n"}, "import helper\nbuild = helper.build"),
        ({"helper/__init__.py": "from made import *\n"}, "from helper import build"),
        ({"helper/__init__.py": "from .build import *\n"}, "from helper import build"),
        ({"helper/__init__.py": "from .build import build\n"}, "from helper import build"),
    ],
    ids=str,
)
def test_a_function_that_runs_dbt_is_found_through_the_files_that_pass_it_on(
    files: dict[str, str], line: str, tmp_path: Path
) -> None:
    made = BASH + "def build():\n    return BashOperator(task_id='b', bash_command='dbt build')\n"
    for name, text in {"made.py": made, "helper/build.py": made, **files}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "dag.py").write_text(f"{line}\nbuild()\n")
    found = report_of(tmp_path / "dag.py").findings
    assert "FLI008" in {each.code for each in found if each.disposition == "unknown"}
