"""The oracle is Airflow itself: its timetable, and whether it loads the written file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from floe_core.compiler import compile_product
from floe_core.schedules import ticks_between
from floe_import.import_files import Request, import_files
from floe_import.writing import write_report

pytestmark = pytest.mark.long

DAG = """
import pendulum
from cosmos import DbtDag, ProfileConfig, ProjectConfig

shop = DbtDag(
    dag_id="shop_as_before",
    project_config=ProjectConfig({folder!r}, install_dbt_deps=False),
    profile_config=ProfileConfig("shop", "dev", {folder!r} + "/profiles.yml"),
    schedule={cron!r},
    start_date=pendulum.datetime(2026, 1, 1, tz={zone!r}),
    catchup=False,
    default_args={{"retries": 2, "queue": "dbt"}},
    tags=["mine"],
)
"""

# A year of ticks of a cron expression by the timetable that Airflow makes of it.
TICKS = """
import json, sys
import pendulum
from airflow.timetables.base import TimeRestriction
from airflow.timetables.trigger import CronTriggerTimetable
cron, zone = sys.argv[1:]
table = CronTriggerTimetable(cron, timezone=zone)
start, end = pendulum.datetime(2026, 1, 1), pendulum.datetime(2027, 1, 1)
found, last = [], None
while True:
    info = table.next_dagrun_info(
        last_automated_data_interval=last,
        restriction=TimeRestriction(earliest=start, latest=None, catchup=True),
    )
    if info is None or info.run_after >= end:
        break
    found.append(info.run_after.in_timezone("UTC").isoformat())
    last = info.data_interval
print(json.dumps(found))
"""

LOADED = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("written", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
dag = module.shop
print(json.dumps({
    "dag_id": dag.dag_id, "tags": sorted(dag.tags), "schedule": dag.timetable.summary,
    "queue": dag.get_task("dbt_build").queue, "retries": dag.get_task("dbt_build").retries,
    "tasks": sorted(t.task_id.rpartition(".")[2] for t in dag.tasks),
}))
"""


REPEATED = """
from airflow.sdk import DAG
from cosmos import DbtTaskGroup, ProfileConfig, ProjectConfig, RenderConfig

profile = ProfileConfig("shop", "dev", {folder!r} + "/profiles.yml")


def group(name, select):
    return DbtTaskGroup(
        group_id=name,
        project_config=ProjectConfig({folder!r}, install_dbt_deps=False),
        profile_config=profile,
        render_config=RenderConfig(select=[select]),
    )


with DAG(dag_id="shop", default_args={{"retries": 2}}) as shop:
    last = group("first", "orders")
    for name in ["sums", "Means"]:
        last >> (last := group(name, name.lower()))
"""

GROUPS = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("written", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
tasks = module.shop.tasks
print(json.dumps({
    "nodes": sorted(t.task_id for t in tasks if t.label in ("orders", "sums", "means")),
    "before": {t.task_id: sorted(t.upstream_task_ids) for t in tasks if t.label == "dbt_build"},
}))
"""


def ask_airflow(program: str, home: Path, *arguments: str) -> object:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=os.environ | {"AIRFLOW_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def imported(folder: Path, cron: str, zone: str):
    return written(folder, DAG.format(folder=str(folder / "shop"), cron=cron, zone=zone))


def written(folder: Path, dag: str) -> Path:
    """Import a DAG file, all of which is exact, and return the project's folder."""
    project = folder / "shop"
    files = {
        "dbt_project.yml": "name: shop\nversion: 1.0.0\nprofile: shop\n",
        "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}\n",
        "models/orders.sql": "select 1 as id",
        "models/sums.sql": "select sum(id) as n from {{ ref('orders') }}",
        "models/means.sql": "select avg(id) as n from {{ ref('orders') }}",
    }
    for name, text in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    file = folder / "shop_dag.py"
    file.write_text(dag)
    report = import_files(Request([file], (), folder / "out"))
    assert report.disposition == "exact", report.as_text()
    write_report(report)
    return project


@pytest.mark.parametrize(
    ("cron", "zone"),
    [
        ("30 5 * * 1-5", "UTC"),
        ("@daily", "UTC"),
        ("0 */4 * * *", "UTC"),
        ("0 6 1 * *", "Asia/Seoul"),
        ("15 7 * * *", "Europe/Berlin"),
        ("0 22 * * 0", "America/New_York"),
    ],
)
def test_a_year_of_ticks_is_that_of_airflow(cron: str, zone: str, tmp_path: Path) -> None:
    project = imported(tmp_path, cron, zone)
    rule = YAML(typ="safe").load(project / "floe.yaml")["schedule"]
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    ours = ticks_between(rule["cron"], rule["timezone"], start, end)
    assert [each.isoformat() for each in ours] == ask_airflow(TICKS, tmp_path / "home", cron, zone)


def test_airflow_loads_the_written_file_with_the_dags_own_arguments(tmp_path: Path) -> None:
    compile_product(imported(tmp_path, "30 5 * * 1-5", "UTC"))
    written = tmp_path / "out" / "dags" / "shop_dag.py"
    assert "cosmos" not in written.read_text()
    assert ask_airflow(LOADED, tmp_path / "home", str(written)) == {
        "dag_id": "shop_as_before",
        "tags": ["mine"],
        "schedule": "30 5 * * 1-5 UTC",
        "queue": "dbt",
        "retries": 2,
        "tasks": ["dbt_build", "means", "orders", "outcome", "sums"],
    }


def test_airflow_loads_what_a_function_and_a_loop_make(tmp_path: Path) -> None:
    compile_product(written(tmp_path, REPEATED.format(folder=str(tmp_path / "shop"))))
    file = tmp_path / "out" / "dags" / "shop_dag.py"
    assert "cosmos" not in file.read_text()
    found = ask_airflow(GROUPS, tmp_path / "home", str(file))
    assert found == {
        "nodes": ["Means.means", "first.orders", "sums.sums"],
        "before": {
            "first.dbt_build": [],
            "sums.dbt_build": ["first.outcome"],
            "Means.dbt_build": ["sums.outcome"],
        },
    }


MAPPED = """
from cosmos import DbtDag, ProfileConfig, ProjectConfig
from cosmos.profiles import PostgresUserPasswordProfileMapping, SnowflakeUserPasswordProfileMapping

for_pg = PostgresUserPasswordProfileMapping("pg", {"schema": "marts"})
for_snow = SnowflakeUserPasswordProfileMapping("snow")
DbtDag(dag_id="on_pg", project_config=ProjectConfig("/dbt/a"),
       profile_config=ProfileConfig("a", "dev", profile_mapping=for_pg))
DbtDag(dag_id="on_snow", project_config=ProjectConfig("/dbt/b"),
       profile_config=ProfileConfig("b", "dev", profile_mapping=for_snow))
"""


def test_names_of_tables_come_from_what_airflow_exports(tmp_path: Path) -> None:
    exported, dag = tmp_path / "connections.json", tmp_path / "dags.py"
    dag.write_text(MAPPED)
    extra = f"--conn-extra={json.dumps({'database': 'ANALYTICS', 'account': 'x'})}"
    for words in (
        ["db", "migrate"],
        ["connections", "add", "pg", "--conn-uri", "postgres://me:hunter2@db/shop"],
        [*("connections", "add", "snow", "--conn-type=generic", "--conn-schema=RAW"), extra],
        ["connections", "export", str(exported), "--file-format", "json"],
    ):
        environment = {**os.environ, "AIRFLOW_HOME": str(tmp_path)}
        command = [sys.executable, "-m", "airflow", *words]
        subprocess.run(command, check=True, capture_output=True, env=environment)
    report = import_files(Request([dag], out=tmp_path / "out", connections=exported))
    said = {
        each.construct: (each.disposition, each.sentence)
        for each in report.findings
        if each.code == "COS204"
    }
    postgres, snowflake = (
        said[f"{name}UserPasswordProfileMapping({connection})"]
        for name, connection in (("Postgres", "pg"), ("Snowflake", "snow"))
    )
    assert (postgres[0], snowflake[0]) == ("exact", "exact")
    assert "dbname is 'shop'" in postgres[1]
    manifests = "".join(text for file, text in report.files.items() if "manifest" in file)
    assert "dbname: shop" in manifests
    assert "database: ANALYTICS" in manifests
    assert "hunter2" not in str(report.files) + report.as_text()
