"""What becomes of a file that uses Cosmos."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from floe_import.import_files import Request, import_files

CORPUS = Path(__file__).parents[1] / "corpus" / "cosmos"
FILES = sorted(CORPUS.glob("*.py"))


def report_of(file: Path, *projects: Path):
    return import_files(Request([file], projects, Path("out")))


def short(report) -> list[str]:
    return [
        f"{Path(f.place.file).name}:{f.place.line} {f.code} {f.disposition} {f.construct}"
        for f in report.findings
        if f.disposition != "exact"
    ]


def project(folder: Path, name: str, target: str) -> Path:
    folder = folder / name
    folder.mkdir()
    (folder / "dbt_project.yml").write_text(f"name: {name}\nprofile: {name}\n")
    (folder / "profiles.yml").write_text(f"{name}: {{target: {target}, outputs: {{}}}}\n")
    return folder


def test_a_dag_of_a_whole_project_is_exact(tmp_path: Path) -> None:
    folder = project(tmp_path, "shop", "prod")
    report = report_of(CORPUS / "whole_project.py", folder)
    assert short(report) == []
    assert report.files[str(folder / "floe.yaml")] == (
        "apiVersion: floe.dev/v1\n"
        "kind: FloeSpec\n"
        "metadata:\n"
        "  name: shop\n"
        "  version: 0.1.0\n"
        "platform:\n"
        "  manifest: manifest.yaml\n"
        "schedule:\n"
        "  cron: 30 5 * * 1-5\n"
        "  timezone: UTC\n"
        "execution:\n"
        "  retries: 2\n"
        "  retryDelaySeconds: 180\n"
    )
    assert report.files["out/dags/whole_project.py"] == (
        '"""A DAG of a whole project, with a profile in the project\'s folder."""\n'
        "\n"
        "from datetime import datetime, timedelta\n"
        "from pathlib import Path\n"
        "\n"
        "from floe_orchestrator_airflow import load_product_dag\n"
        "\n"
        'SHOP = Path("/opt/airflow/dbt/shop")\n'
        "\n"
        "shop = load_product_dag(\n"
        "    'shop',\n"
        "    SHOP,\n"
        '    dag_id="shop_daily",\n'
        "    start_date=datetime(2026, 1, 1),\n"
        "    catchup=False,\n"
        '    tags=["shop"],\n'
        '    default_args={"retries": 2, "retry_delay": timedelta(minutes=3)},\n'
        ")\n"
    )


def test_groups_become_jobs_and_the_rest_of_the_dag_stays(tmp_path: Path) -> None:
    folder = project(tmp_path, "shop", "prod")
    report = report_of(CORPUS / "groups_in_a_dag.py", folder)
    assert short(report) == []
    assert report.files[str(folder / "floe.yaml")].endswith(
        "jobs:\n"
        "- name: staging\n"
        "  select: path:models/staging tag:hourly\n"
        "  vars:\n"
        "    region: eu\n"
        "  fullRefresh: true\n"
        "- name: marts\n"
        "  exclude: path:models/staging resource_type:test resource_type:unit_test\n"
        "  vars:\n"
        "    region: eu\n"
        "execution:\n"
        "  retries: 1\n"
    )
    assert report.files["out/dags/groups_in_a_dag.py"] == (
        '"""Two groups of one project, between tasks of other kinds."""\n'
        "\n"
        "import os\n"
        "\n"
        "import pendulum\n"
        "from airflow.sdk import dag, task\n"
        "from floe_orchestrator_airflow import floe_task_group\n"
        "\n"
        'HOME = os.environ["AIRFLOW_HOME"]\n'
        "\n"
        "\n"
        '@dag(schedule="@hourly", start_date=pendulum.datetime(2026, 1, 1), default_args={"retries": 1})\n'
        "def shop_hourly():\n"
        "    @task\n"
        "    def load():\n"
        '        print("loaded")\n'
        "\n"
        "    staging = floe_task_group(\n"
        '        f"{HOME}/dbt/shop",\n'
        "        job='staging',\n"
        '        group_id="staging",\n'
        "        default_args={'queue': \"dbt\"},\n"
        "    )\n"
        '    marts = floe_task_group(f"{HOME}/dbt/shop", job=\'marts\', group_id="marts")\n'
        "    load() >> staging >> marts\n"
        "\n"
        "\n"
        "shop_hourly()\n"
    )


def test_configuration_of_another_file_is_followed(tmp_path: Path) -> None:
    report = report_of(CORPUS / "shared_configuration.py", project(tmp_path, "marts", "dev"))
    assert short(report) == [
        "warehouse.py:20 COS204 changed PostgresUserPasswordProfileMapping(warehouse)",
    ]
    text = report.files["out/dags/shared_configuration.py"]
    assert "floe_task_group(Settings.marts, job='marts-2', group_id=\"marts\")" in text


def test_what_cannot_be_read_is_unknown_and_stays_as_it_is() -> None:
    report = report_of(CORPUS / "hard_to_read.py")
    assert short(report) == [
        "hard_to_read.py:23 COS005 unknown DbtTaskGroup",
        "hard_to_read.py:28 COS003 unknown DbtTaskGroup",
        "hard_to_read.py:28 FLI004 unknown DbtTaskGroup",
        "hard_to_read.py:32 COS403 unknown RenderConfig(select=)",
        "hard_to_read.py:38 COS001 unknown DbtTaskGroup",
        "hard_to_read.py:38 FLI003 unknown DbtTaskGroup",
        "hard_to_read.py:40 COS101 unknown ProjectConfig(dbt_project_path=)",
        "hard_to_read.py:43 FLI004 unknown from_database",
        "hard_to_read.py:46 COS104 unknown ProjectConfig(dbt_vars=)",
        "hard_to_read.py:49 COS000 unknown operator_args",
        "hard_to_read.py:51 FLI004 unknown in_pods",
        "hard_to_read.py:54 COS108 lost ProjectConfig(env_vars=)",
        "hard_to_read.py:57 COS301 lost ExecutionConfig(execution_mode=)",
        "hard_to_read.py:58 COS000 unknown DbtTaskGroup(invented=)",
        "hard_to_read.py:65 COS005 unknown DbtDag",
        "hard_to_read.py:65 COS005 unknown ExecutionMode",
    ]
    assert report.files == {}
    assert [f.code for f in report.unwaived(["COS108"])] == ["COS301"]


def test_operators_that_build_nodes_become_groups_of_jobs(tmp_path: Path) -> None:
    folder = project(tmp_path, "shop", "prod")
    report = report_of(CORPUS / "operators.py", folder)
    assert short(report) == [
        "operators.py:31 FLI004 unknown hidden",
        "operators.py:32 COS724 unknown DbtBuildLocalOperator(models=)",
        "operators.py:35 COS722 unknown hidden.output",
    ]
    without_tests = "resource_type:test resource_type:unit_test"
    jobs = YAML(typ="safe").load(report.files[str(folder / "floe.yaml")])["jobs"]
    assert jobs == [
        {"name": "seed", "select": "resource_type:seed", "exclude": without_tests},
        *(
            {
                "name": f"run_{tag}",
                "select": f"tag:{tag},resource_type:model orders+,resource_type:model",
                "exclude": without_tests,
                "vars": {"tag": tag},
            }
            for tag in ("hot", "cold")
        ),
        {"name": "test", "select": without_tests, "exclude": "tag:slow"},
    ]
    written = report.files["out/dags/operators.py"]
    assert "seed = floe_task_group(PROJECT, job='seed', group_id=\"seed\")" in written
    assert "job=f'run_{tag}'" in written
    assert "DbtSeedLocalOperator" not in written
    assert "hidden = DbtBuildLocalOperator(" in written


def test_an_operator_with_a_folder_of_a_library_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "dag.py"
    file.write_text(
        "from company import PROJECT\nfrom cosmos.operators import DbtRunLocalOperator\n"
        "DbtRunLocalOperator(task_id='run', project_dir=PROJECT)\n"
    )
    report = report_of(file)
    assert "dag.py:3 COS101 unknown DbtRunLocalOperator(project_dir=)" in short(report)
    assert report.files == {}


def test_a_file_with_a_syntax_error_hides_no_other(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("from cosmos import DbtDag\nDbtDag(\n")
    report = import_files(Request([broken, CORPUS / "whole_project.py"]))
    assert "broken.py:2 FLI001 unknown file" in short(report)
    assert "floe-import/dags/whole_project.py" in report.files


def test_two_dags_with_one_id_are_reported(tmp_path: Path) -> None:
    copy = tmp_path / "copy.py"
    copy.write_text((CORPUS / "whole_project.py").read_text())
    report = import_files(Request([CORPUS / "whole_project.py", copy]))
    assert "copy.py:10 FLI006 unknown dag_id 'shop_daily'" in short(report)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_argument_of_cosmos_has_a_finding(file: Path, tmp_path: Path) -> None:
    """Each keyword of each call of an imported name of Cosmos, found by another way than ours."""
    findings = report_of(file).findings
    reported = {(Path(f.place.file).name, f.place.line, f.place.column) for f in findings}
    for keyword in cosmos_keywords(file.read_text()):
        place = (file.name, keyword.lineno, keyword.col_offset + 1)
        inner = {
            (file.name, n.lineno, n.col_offset + 1)
            for n in ast.walk(keyword)
            if isinstance(n, ast.keyword | ast.expr)
        }
        shared = isinstance(keyword.value, ast.Name | ast.Call)
        assert place in reported or inner & reported or shared, ast.unparse(keyword)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_argument_that_no_rule_reads_is_never_silent(file: Path, tmp_path: Path) -> None:
    """Add an argument that does not exist to each call, one after the other."""
    text = file.read_text()
    (tmp_path / "include").symlink_to(CORPUS / "include")
    for number in range(len(list(cosmos_calls(ast.parse(text))))):
        tree = ast.parse(text)
        call = list(cosmos_calls(tree))[number]
        call.keywords.append(ast.keyword("of_tomorrow", ast.Constant(1)))
        changed = tmp_path / file.name
        changed.write_text(ast.unparse(tree))
        said = [
            f.construct + f.sentence
            for f in report_of(changed).findings
            if f.disposition == "unknown"
        ]
        named = ast.unparse(call.func)
        assert any("of_tomorrow" in each or named in each for each in said), named


def cosmos_calls(tree: ast.Module):
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cosmos")
        for alias in node.names
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        # A task of an operator of Cosmos stays as it is, with one finding for all of it.
        if node.func.id in imported and not node.func.id.endswith("Operator"):
            yield node


def cosmos_keywords(text: str):
    for call in cosmos_calls(ast.parse(text)):
        yield from call.keywords


BEHAVIORS = """\
from cosmos import DbtDag, DbtTaskGroup, ProjectConfig, RenderConfig
from cosmos.constants import TestBehavior
from airflow.sdk import DAG

with DAG("shop_daily", schedule="0 5 * * *"):
    late = DbtTaskGroup(
        group_id="late",
        project_config=ProjectConfig("/dbt/shop", install_dbt_deps=True),
        render_config=RenderConfig(select=["tag:late"], test_behavior=TestBehavior.AFTER_ALL),
    )
    each = DbtTaskGroup(
        group_id="each",
        project_config=ProjectConfig("/dbt/shop"),
        render_config=RenderConfig(select=["tag:each"]),
    )
"""


def test_tests_after_all_are_those_of_the_job(tmp_path: Path) -> None:
    file = tmp_path / "dag.py"
    file.write_text(BEHAVIORS)
    report = report_of(file, project(tmp_path, "shop", "prod"))
    assert [f.code for f in report.findings if f.disposition in ("lost", "unknown")] == []
    (floe,) = (text for name, text in report.files.items() if name.endswith("floe.yaml"))
    assert "  select: tag:late\n  tests: after_all\n" in floe
    assert floe.count("tests:") == 1
    said = {f.code: f.disposition for f in report.findings}
    assert (said["COS406"], said["COS103"]) == ("exact", "exact")
