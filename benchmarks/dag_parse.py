"""How long Airflow takes to parse a product: floe beside Cosmos, in fresh processes, in turns.

    UV_PROJECT_ENVIRONMENT=.venv-bench uv sync --frozen --group bench
    .venv-bench/bin/python benchmarks/dag_parse.py 100 1000 --json results.json

Each measure is one process that imports what a dag-processor has imported before it reads a file,
then reads the DAG file as it does, and serialises what it found. `parse` and `serialise` are CPU
seconds without these imports. A DAG with a timetable of a plugin makes Airflow load all installed
plugins; for floe, Cosmos's plugin is imported before, since it would not be there otherwise.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from generate_project import generate
from measuring import compiled, in_turns, run, table

COSMOS = """\
from datetime import datetime
from pathlib import Path

from airflow.sdk import DAG
from cosmos import DbtDag, ExecutionConfig, ProfileConfig, ProjectConfig, RenderConfig
from cosmos.constants import ExecutionMode, LoadMode

FOLDER = Path(__file__).parent
dag = DbtDag(
    dag_id="bench_cosmos",
    project_config=ProjectConfig(
        dbt_project_path=FOLDER,
        manifest_path=FOLDER / "target" / "manifest.json",
        project_name="bench",
    ),
    profile_config=ProfileConfig(
        profile_name="bench", target_name="default", profiles_yml_filepath=FOLDER / "profiles.yml"
    ),
    render_config=RenderConfig(load_method=LoadMode.DBT_MANIFEST),
    execution_config=ExecutionConfig(execution_mode=ExecutionMode.LOCAL),
    schedule="0 6 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
)
"""
MEASURE = """\
import json, resource, runpy, sys, time
import airflow.dag_processing.manager, airflow.sdk
from airflow.serialization.serialized_objects import DagSerialization
if sys.argv[2:]:
    import cosmos.plugin.airflow3
imported = time.process_time()
found = runpy.run_path(sys.argv[1])
dags = [value for value in found.values() if isinstance(value, airflow.sdk.DAG)]
parsed = time.process_time()
for dag in dags:
    DagSerialization.to_dict(dag)
serialised = time.process_time()
print(json.dumps({
    "seconds": serialised,
    "parse": parsed - imported,
    "serialise": serialised - parsed,
    "both": serialised - imported,
    "tasks": sum(len(dag.tasks) for dag in dags),
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
"""
GRANULARITIES = ("node", "group", "product")


def main() -> None:
    """Measure each size and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", type=int, nargs="*", default=[100, 1000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    results = [compare(models, arguments.rounds) for models in arguments.models]
    print(shown(results))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


def compare(models: int, rounds: int) -> dict[str, object]:
    """Return the medians of floe at each granularity and of Cosmos, for one size."""
    with tempfile.TemporaryDirectory(prefix="floe-bench-") as temporary:
        folder = Path(temporary) / "cosmos"
        generate(folder, models)
        compiled(folder, "airflow")
        (folder / "cosmos_dag.py").write_text(COSMOS)
        files = {"cosmos": folder / "cosmos_dag.py"}
        for granularity in GRANULARITIES:
            copy = Path(temporary) / granularity
            generate(copy, models)
            with (copy / "floe.yaml").open("a") as spec:
                spec.write(f"execution: {{granularity: {granularity}}}\n")
                # More tasks than can be run are parsed all the same.
                spec.write("waivers: [granularity]\n")
            compiled(copy, "airflow")
            files[f"floe {granularity}"] = copy / "dag.py"
        home = {"AIRFLOW_HOME": str(Path(temporary) / "airflow")}
        run(["airflow", "version"], **home)
        commands = {
            name: [sys.executable, "-c", MEASURE, str(file), *(["floe"] if "floe" in name else [])]
            for name, file in files.items()
        }
        return {"models": models, **in_turns(commands, rounds, **home)}


def shown(results: list[dict[str, object]]) -> str:
    """Return the table, with the ratio of each to Cosmos."""
    head = ["models", "", "tasks", "parse s", "serialise s", "peak MB", "parse ratio", "of both"]
    rows = []
    for result in results:
        cosmos = result["cosmos"]
        assert isinstance(cosmos, dict)
        for name, found in result.items():
            if isinstance(found, dict):
                ratios = [f"{found[key] / cosmos[key]:.3f}" for key in ("parse", "both")]
                numbers = [f"{found[key]:.3f}" for key in ("parse", "serialise", "peak_mb")]
                rows.append(
                    [str(result["models"]), name, str(int(found["tasks"])), *numbers, *ratios]
                )
    return table(head, rows)


if __name__ == "__main__":
    main()
