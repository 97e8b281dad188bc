"""How long Dagster takes to load a product: floe beside dagster-dbt, in fresh processes, in turns.

    UV_PROJECT_ENVIRONMENT=.venv-bench uv sync --frozen --group bench
    .venv-bench/bin/python benchmarks/definitions_load.py 100 1000 --json results.json

Each measure is one process that imports a definitions file and builds its whole repository, as a
code location does. Seconds are CPU seconds; what travels between machines is the ratio.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from generate_project import generate

DAGSTER_DBT = """\
from pathlib import Path

from dagster import Definitions, ScheduleDefinition, define_asset_job
from dagster_dbt import DbtCliResource, dbt_assets

FOLDER = Path(__file__).parent


@dbt_assets(manifest=FOLDER / "target" / "manifest.json")
def bench(context, dbt: DbtCliResource):
    yield from dbt.cli(["build"], context=context).stream()


job = define_asset_job("bench_job")
defs = Definitions(
    assets=[bench],
    jobs=[job],
    schedules=[ScheduleDefinition(job=job, cron_schedule="0 6 * * *")],
    resources={"dbt": DbtCliResource(project_dir=FOLDER, profiles_dir=FOLDER)},
)
"""
MEASURE = """\
import json, resource, runpy, sys, time
import dagster
imported = time.process_time()
defs = runpy.run_path(sys.argv[1])["defs"]
defined = time.process_time()
repository = defs.get_repository_def()
repository.load_all_definitions()
built = time.process_time()
print(json.dumps({
    "seconds": built,
    "import_dagster": imported,
    "define": defined - imported,
    "build_repository": built - defined,
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "assets": len(repository.asset_graph.materializable_asset_keys),
    "checks": len(repository.asset_graph.asset_check_keys),
}))
"""
QUIET = {"DAGSTER_DISABLE_TELEMETRY": "yes", "DBT_SEND_ANONYMOUS_USAGE_STATS": "False"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", type=int, nargs="*", default=[100, 1000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    results = [compare(models, arguments.rounds) for models in arguments.models]
    print(table(results))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


def compare(models: int, rounds: int) -> dict[str, object]:
    """Return the medians of both for one size, and their ratio."""
    with tempfile.TemporaryDirectory(prefix="floe-bench-") as temporary:
        folder = Path(temporary) / "bench"
        generate(folder, models)
        run([sys.executable, "-c", COMPILE, str(folder)])
        (folder / "dagster_dbt_definitions.py").write_text(DAGSTER_DBT)
        files = {"floe": "definitions.py", "dagster-dbt": "dagster_dbt_definitions.py"}
        measures: dict[str, list[dict[str, float]]] = {name: [] for name in files}
        for _ in range(rounds + 1):
            for name, file in files.items():
                measures[name].append(measured(folder / file))
    # The first round warms the disk and Python's byte code.
    medians = {name: medians_of(found[1:]) for name, found in measures.items()}
    floe, peer = medians["floe"], medians["dagster-dbt"]
    assert floe["assets"] == peer["assets"] == models + 1, medians
    assert floe["checks"] == peer["checks"], medians
    return {"models": models, "ratio": floe["seconds"] / peer["seconds"], **medians}


COMPILE = "import sys; from floe_core.compiler import compile_product; compile_product(sys.argv[1])"


def measured(file: Path) -> dict[str, float]:
    found: dict[str, float] = json.loads(run([sys.executable, "-c", MEASURE, str(file)]))
    return found


def run(command: list[str]) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, **QUIET, "PATH": path}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:2])} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def medians_of(measures: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(median(m[name] for m in measures), 3) for name in measures[0]}


def table(results: list[dict[str, object]]) -> str:
    head = ["models", "", "CPU s", "import", "define", "build", "peak MB", "ratio"]
    rows = [head]
    for result in results:
        for name in ("floe", "dagster-dbt"):
            found = result[name]
            assert isinstance(found, dict)
            numbers = ("seconds", "import_dagster", "define", "build_repository", "peak_mb")
            ratio = f"{result['ratio']:.2f}" if name == "floe" else ""
            row = [str(result["models"]), name, *(f"{found[n]:.2f}" for n in numbers), ratio]
            rows.append(row)
    widths = [max(len(row[place]) for row in rows) for place in range(len(head))]
    return "\n".join("  ".join(map(str.rjust, row, widths)) for row in rows)


if __name__ == "__main__":
    main()
