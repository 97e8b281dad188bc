"""Run the same product with each emitter, as its documentation says, to one backend."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from lineage_product import NAME
from measuring import QUIET

from floe_orchestrator_airflow.local.service import LocalAirflow

# The moment that a run is for, where the emitter's runs have one.
TICK = "2026-03-01T06:00:00+00:00"
BINARIES = Path(sys.executable).parent
COSMOS = f"""\
from datetime import datetime
from pathlib import Path

from airflow.sdk import DAG
from cosmos import DbtDag, ProfileConfig, ProjectConfig, RenderConfig
from cosmos.constants import LoadMode

PROJECT = Path({{project!r}})
dag = DbtDag(
    dag_id="cosmos",
    project_config=ProjectConfig(
        dbt_project_path=PROJECT,
        manifest_path=PROJECT / "target" / "manifest.json",
        project_name="{NAME}",
    ),
    profile_config=ProfileConfig(
        profile_name="{NAME}", target_name="dev", profiles_yml_filepath=PROJECT / "profiles.yml"
    ),
    render_config=RenderConfig(load_method=LoadMode.DBT_MANIFEST),
    schedule=None,
    start_date=datetime(2026, 1, 1),
    max_active_tasks=1,
)
"""
DAGSTER_INSTANCE = """\
event_log_storage:
  module: dagster_openlineage
  class: OpenLineageEventLogStorage
  config:
    wrapped:
      module: dagster._core.storage.event_log
      class: SqliteEventLogStorage
      config: {{base_dir: {home}/history}}
"""
DAGSTER = """\
import sys
from pathlib import Path

from dagster import DagsterInstance, Definitions
from dagster_dbt import DbtCliResource, DbtProject, dbt_assets

project = DbtProject(Path(sys.argv[1]))

@dbt_assets(manifest=project.manifest_path)
def product(context, dbt: DbtCliResource):
    build = dbt.cli(["build"], context=context).stream()
    yield from build.fetch_row_counts().fetch_column_metadata()

definitions = Definitions(assets=[product], resources={"dbt": DbtCliResource(project)})
job = definitions.resolve_implicit_global_asset_job_def()
job.execute_in_process(instance=DagsterInstance.get(), raise_on_error=False)
"""


FLOE = """\
import sys
from datetime import datetime
from pathlib import Path

from floe_core.compiler import compile_product
from floe_core.plugin_api.launched_run.launcher import launch
from floe_core.lineage import flush
from floe_core.plugin_api.powers import RunOptions

artifacts = compile_product(sys.argv[1], orchestrator="dagster")
options = RunOptions(artifacts.jobs[0].name, nominal_time=datetime.fromisoformat(sys.argv[2]))
launch(artifacts, options, lambda event: None)
flush(Path(sys.argv[1]), artifacts.lineage, 10)
"""


def floe(project: Path, url: str) -> None:
    """What `floe run` does, for a tick, on Dagster; on Airflow it tells the same."""
    _run([sys.executable, "-c", FLOE, project, TICK], project, OPENLINEAGE_URL=url)


def dbt_ol(project: Path, url: str) -> None:
    """`dbt-ol build`, with the catalog that it takes columns from."""
    _dbt(project)
    _run([BINARIES / "dbt", "docs", "generate"], project)
    _run([BINARIES / "dbt-ol", "build"], project, OPENLINEAGE_URL=url)


def dbt_ol_live(project: Path, url: str) -> None:
    """`dbt-ol --consume-structured-logs build`, which tells while dbt runs."""
    _dbt(project)
    _run([BINARIES / "dbt", "docs", "generate"], project)
    command = [BINARIES / "dbt-ol", "--consume-structured-logs", "build"]
    _run(command, project, OPENLINEAGE_URL=url)


def cosmos(project: Path, url: str) -> None:
    """A task a model in a real Airflow, with Airflow's provider and the catalog."""
    _dbt(project)
    _run([BINARIES / "dbt", "docs", "generate"], project)
    provider = {**QUIET, "AIRFLOW__OPENLINEAGE__DISABLED": "False", "OPENLINEAGE_URL": url}
    provider["DBT_PROFILES_DIR"] = str(project)
    with LocalAirflow(project / "airflow", variables=provider) as airflow:
        file = airflow.home.dags / "cosmos_dag.py"
        file.write_text(COSMOS.format(project=str(project)))
        while not (airflow.api.dag("cosmos") or {}).get("last_parsed_time"):
            assert not airflow.api.import_errors(), airflow.api.import_errors()
            airflow.check_alive("reading the DAG")
            time.sleep(0.5)
        airflow.api.unpause("cosmos")
        run_id = airflow.api.trigger("cosmos", TICK, {})
        while airflow.api.run("cosmos", run_id)["state"] not in ("success", "failed"):
            airflow.check_alive("running the DAG")
            time.sleep(1)


def dagster_openlineage(project: Path, url: str) -> None:
    """`dagster-dbt` with all that it can fetch, on an instance with the emitter's storage."""
    _run([BINARIES / "dbt", "parse"], project)
    home = project / "dagster"
    home.mkdir()
    (home / "dagster.yaml").write_text(DAGSTER_INSTANCE.format(home=home))
    script = project / "run_dagster.py"
    script.write_text(DAGSTER)
    environment = {"DAGSTER_HOME": str(home), "OPENLINEAGE_URL": url}
    _run([sys.executable, script, project], project, **environment)


def _dbt(project: Path) -> None:
    _run([BINARIES / "dbt", "build"], project)


def _run(command: list[str | Path], project: Path, **environment: str) -> None:
    """Run to the end; that it fails is what the product is for."""
    path = f"{BINARIES}{os.pathsep}{os.environ['PATH']}"
    here = {"PATH": path, "DBT_PROFILES_DIR": str(project), **environment}
    done = subprocess.run(
        command, cwd=project, env={**os.environ, **QUIET, **here}, capture_output=True, text=True
    )
    (project / f"{Path(command[0]).name}.log").write_text(done.stdout + done.stderr)
