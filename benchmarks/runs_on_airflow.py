"""How long a DAG run takes: floe beside Cosmos (LOCAL and WATCHER) and raw dbt, in turns.

    UV_PROJECT_ENVIRONMENT=.venv-bench uv sync --frozen --group bench
    .venv-bench/bin/python benchmarks/runs_on_airflow.py 12 100 --json results.json

One Airflow on this machine, on SQLite with LocalExecutor, runs all of them, each product with a
DuckDB file of its own. Seconds are wall time from the question for a run to its end. The first
round makes the warehouse and does not count. Cosmos LOCAL runs one task at a time, since DuckDB has
one writer; it is measured up to 12 models alone, more take minutes a round.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from generate_project import generate
from measuring import QUIET, compiled, measure_sizes, run, table

from floe_core.schemas import CompiledArtifacts
from floe_orchestrator_airflow.local.service import LocalAirflow

COSMOS = """\
from datetime import datetime
from pathlib import Path

from airflow.sdk import DAG
from cosmos import DbtDag, ExecutionConfig, ProfileConfig, ProjectConfig, RenderConfig
from cosmos.constants import ExecutionMode, LoadMode

FOLDER = Path("{folder}")
dag = DbtDag(
    dag_id="{dag_id}",
    project_config=ProjectConfig(
        dbt_project_path=FOLDER,
        manifest_path=FOLDER / "target" / "manifest.json",
        project_name="bench",
    ),
    profile_config=ProfileConfig(
        profile_name="bench",
        target_name="default",
        profiles_yml_filepath=FOLDER / "cosmos" / "profiles.yml",
    ),
    render_config=RenderConfig(load_method=LoadMode.DBT_MANIFEST),
    execution_config=ExecutionConfig(execution_mode=ExecutionMode.{mode}),
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_tasks={tasks},
)
"""
# Cosmos runs each task in a copy of the project, where a relative path would be another file.
PROFILE = """\
bench:
  target: default
  outputs: {{default: {{type: duckdb, path: "{folder}/bench.duckdb", threads: 2}}}}
"""
MODES = {"LOCAL": 1, "WATCHER": 4}
LOCAL_UP_TO, WATCHER_UP_TO = 12, 100
END_SECONDS, POLL_SECONDS = 3600, 0.2
Results = dict[str, float]


def main() -> None:
    """Measure each size and print the table."""
    measure_sizes(__doc__, [12, 100, 1000], compare, shown)


def compare(models: int, rounds: int) -> Results:
    """Return name -> median wall seconds, for one size."""
    with tempfile.TemporaryDirectory(prefix="floe-bench-") as temporary:
        root = Path(temporary)
        raw = _made(root, "raw", models)
        paths = ["--project-dir", str(raw), "--profiles-dir", str(raw)]
        dbt = [str(Path(sys.executable).parent / "dbt"), "build", *paths]
        # Where Cosmos finds dbt.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        with LocalAirflow(root / "airflow", variables={**QUIET, "PATH": path}) as airflow:
            cases: dict[str, Callable[[], float]] = {
                "dbt build": lambda: timed(lambda: run([*dbt, "--log-path", str(root / "logs")])),
                **_of_floe(airflow, root, models),
                **_of_cosmos(airflow, root, models),
            }
            seconds = [{name: case() for name, case in cases.items()} for _ in range(rounds + 1)]
    return {name: round(median(turn[name] for turn in seconds[1:]), 2) for name in seconds[0]}


def _made(root: Path, name: str, models: int, execution: str = "") -> Path:
    folder = root / name
    generate(folder, models)
    spec = (folder / "floe.yaml").read_text().replace("name: bench,", f"name: {name},")
    (folder / "floe.yaml").write_text(spec + execution)
    compiled(folder, "airflow")
    return folder


def _of_floe(airflow: LocalAirflow, root: Path, models: int) -> dict[str, Callable[[], float]]:
    found: dict[str, Callable[[], float]] = {}
    for granularity in ("node", "group", "product"):
        name = f"floe-{granularity}"
        folder = _made(root, name, models, f"execution: {{granularity: {granularity}}}\n")
        airflow.add(CompiledArtifacts.load(folder), name)
        found[f"floe, {granularity}"] = lambda name=name: timed(lambda: run_dag(airflow, name))
    return found


def _of_cosmos(airflow: LocalAirflow, root: Path, models: int) -> dict[str, Callable[[], float]]:
    limits = {"LOCAL": LOCAL_UP_TO, "WATCHER": WATCHER_UP_TO}
    found: dict[str, Callable[[], float]] = {}
    for mode, tasks in MODES.items():
        if models > limits[mode]:
            continue
        dag_id = f"cosmos_{mode.lower()}"
        folder = _made(root, dag_id.replace("_", "-"), models)
        text = COSMOS.format(folder=folder, dag_id=dag_id, mode=mode, tasks=tasks)
        (folder / "cosmos").mkdir()
        (folder / "cosmos" / "profiles.yml").write_text(PROFILE.format(folder=folder))
        (airflow.home.dags / f"{dag_id}.py").write_text(text)
        wait(lambda dag_id=dag_id: airflow.api.dag(dag_id) is not None, 120, f"reading {dag_id}")
        airflow.api.unpause(dag_id)
        found[f"Cosmos, {mode}"] = lambda dag_id=dag_id: timed(lambda: run_dag(airflow, dag_id))
    return found


def run_dag(airflow: LocalAirflow, dag_id: str) -> None:
    run_id = airflow.api.trigger(dag_id, None, {})
    ends = ("success", "failed")
    wait(lambda: airflow.api.run(dag_id, run_id)["state"] in ends, END_SECONDS, dag_id)
    state = airflow.api.run(dag_id, run_id)["state"]
    if state != "success":
        raise SystemExit(f"the run of {dag_id} ended as {state}\n{_log(airflow, dag_id, run_id)}")


def _log(airflow: LocalAirflow, dag_id: str, run_id: str) -> str:
    """Return the log of the first task that failed."""
    for task in airflow.api.task_instances(dag_id, run_id):
        if task["state"] == "failed":
            return airflow.api.log(dag_id, run_id, task["task_id"], task["try_number"])
    return "no task failed"


def timed(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


def wait(is_so: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise SystemExit(f"{what}: not over after {seconds} s")
        time.sleep(POLL_SECONDS)


def shown(results: dict[int, Results]) -> str:
    """Return the table, with the ratio of each to raw dbt and to Cosmos WATCHER."""
    rows = []
    for models, found in results.items():
        watcher = found.get("Cosmos, WATCHER")
        for name, seconds in found.items():
            of_watcher = f"{seconds / watcher:.2f}" if watcher else ""
            ratio = f"{seconds / found['dbt build']:.2f}"
            rows.append([str(models), name, f"{seconds:.1f}", ratio, of_watcher])
    return table(["models", "", "wall s", "of dbt build", "of WATCHER"], rows)


if __name__ == "__main__":
    main()
