"""What a file has beside its groups, and loses nothing, is exact."""

from __future__ import annotations

from pathlib import Path

import pytest
from import_reports import report_of, short

DAG = """\
import os
from airflow.sdk import DAG, Asset
from airflow.providers.standard.operators.bash import BashOperator
from cosmos import DbtTaskGroup, ProfileConfig, ProjectConfig, RenderConfig
from cosmos.constants import LoadMode
from cosmos.operators import DbtDocsOperator
from cosmos.profiles import PostgresUserPasswordProfileMapping
{before}
with DAG("shop", {dag}):
    DbtTaskGroup("models", project_config=ProjectConfig("/dbt/shop"), {group})
    {task}
"""
DOCS_PROFILE = """\
docs_profile = ProfileConfig(
    profile_name="shop",
    target_name="docs",
    profile_mapping=PostgresUserPasswordProfileMapping("wh", {"schema": "x"}),
)
"""
DOCS = 'DbtDocsOperator(task_id="docs", project_dir="/dbt/shop", profile_config=docs_profile)'
OVERRIDES = """\
def made(retries=1, **overrides):
    found = {"retries": retries, "owner": "data"}
    found.update(overrides)
    return found
"""


@pytest.mark.parametrize(
    "parts",
    [
        {"dag": 'tags=["dbt", "run", "build"]'},
        {"dag": "doc_md=DOC", "before": 'DOC = "It runs `dbt build` and dbt test"'},
        {"before": DOCS_PROFILE, "task": DOCS},
        {"before": "unused = RenderConfig(load_method=LoadMode.DBT_LS)"},
        {"dag": "default_args=made(2, depends_on_past=False)", "before": OVERRIDES},
        {"before": 'os.system("mkdir -p /root/.dbt && cp /opt/dbt/packages.yml /root/.dbt")'},
        {"before": 'os.environ["PYTHONWARNINGS"] = "ignore"'},
        {"before": 'SALES = Asset("sales")', "dag": "schedule=[SALES]"},
        {"dag": 'schedule=[Asset("s3://landing/sales")]'},
        {"dag": 'schedule=[Asset("astro://shop/done"), Asset("sales", extra={"a": "b"})]'},
        {
            "before": "from google.cloud import bigquery\n"
            'bigquery.Dataset("postgres://host/shop.public.orders")'
        },
        {"before": "PATH = f'cp -R {os.getcwd()}/target /opt/dbt'\nos.system(PATH)"},
        {"before": 'os.system(f"cp -R {os.getcwd()}/logs /opt/dbt")'},
        {
            "before": 'OUTLETS = [Asset("postgres://a/b")]',
            "task": 'BashOperator(task_id="a", bash_command="true", outlets=OUTLETS)',
        },
    ],
    ids=str,
)
def test_what_loses_nothing_is_exact(parts: dict[str, str], tmp_path: Path) -> None:
    given = {"dag": "catchup=False", "before": "", "group": "", "task": "pass", **parts}
    (tmp_path / "dag.py").write_text(DAG.format(**given))
    said = [each for each in short(report_of(tmp_path / "dag.py")) if "FLI110" not in each]
    assert said == []


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        # A text that something runs, though it is documentation as well.
        (
            {"before": 'DOC = "dbt build"', "dag": "doc_md=DOC", "task": "os.system(DOC)"},
            ["8 BSH006 unknown dbt build", "11 FLI008 unknown os.system"],
        ),
        # Files, and what a command within the command does.
        (
            {"before": 'os.system("echo $(dbt build)")'},
            ["8 BSH006 unknown dbt build"],
        ),
        (
            {"before": 'os.system("cp a /opt/dbt && /opt/dbt/start")'},
            ["8 FLI008 unknown os.system"],
        ),
        # A place in a warehouse, which Cosmos's tasks update.
        (
            {"dag": 'schedule=[Asset("postgres://host/shop.public.orders")]'},
            ["10 COS401 changed DbtTaskGroup: assets"],
        ),
        (
            {"dag": 'schedule=[Asset(f"postgres://{os.uname()}/shop.public.orders")]'},
            ["10 COS401 changed DbtTaskGroup: assets"],
        ),
        (
            {"dag": 'schedule=[DatasetAlias("shop__models__orders_run")]'},
            ["10 COS401 changed DbtTaskGroup: assets"],
        ),
        (
            {"before": OVERRIDES, "dag": "default_args=made(pool=unseen)"},
            ["10 COS815 unknown default_args(pool=)", "14 FLI004 unknown models"],
        ),
    ],
    ids=str,
)
def test_what_looks_like_it_is_reported(
    parts: dict[str, str], expected: list[str], tmp_path: Path
) -> None:
    given = {"dag": "catchup=False", "before": "", "group": "", "task": "pass", **parts}
    (tmp_path / "dag.py").write_text(DAG.format(**given))
    said = [each for each in short(report_of(tmp_path / "dag.py")) if "FLI110" not in each]
    assert said == expected


FUNCTIONS = """\
from cosmos import ProfileConfig

TARGET = "prod"


def profile():
    return ProfileConfig(profile_name="shop", target_name=TARGET)
"""
IMPORTING = """\
from airflow.sdk import DAG
from cosmos import DbtTaskGroup, ProjectConfig
from include.settings import TARGET, profile

made = profile()
with DAG("shop", tags=[TARGET]):
    DbtTaskGroup("models", project_config=ProjectConfig("/dbt/shop"), profile_config=made)
"""


def test_a_function_of_another_file_that_makes_a_configuration_is_read(tmp_path: Path) -> None:
    (tmp_path / "include").mkdir()
    (tmp_path / "include" / "settings.py").write_text(FUNCTIONS)
    (tmp_path / "dag.py").write_text(IMPORTING)
    report = report_of(tmp_path / "dag.py")
    assert "import TARGET\n" in report.files["out/dags/dag.py"]
    said = [each.split(" ", 1)[1] for each in short(report)]
    assert said == ["FLI110 changed product shop", "FLI114 changed target prod"]
    (stays,) = [each for each in report.findings if each.code == "COS011"]
    assert stays.construct == "import of TARGET"
    assert stays.sentence.endswith("imports Cosmos: keep it installed while this file needs it")


def test_a_folder_named_dbt_may_be_the_users_own(tmp_path: Path) -> None:
    (tmp_path / "dbt").mkdir()
    (tmp_path / "dbt" / "settings.py").write_text('FOLDER = "/dbt/shop"\n')
    (tmp_path / "dag.py").write_text(
        "from airflow.sdk import DAG\nfrom cosmos import DbtTaskGroup, ProjectConfig\n"
        "from dbt.settings import FOLDER\n"
        'with DAG("shop"):\n    DbtTaskGroup("models", project_config=ProjectConfig(FOLDER))\n'
    )
    assert short(report_of(tmp_path / "dag.py")) == ["5 FLI110 changed product shop"]
