"""How long Dagster takes to load a product: floe beside dagster-dbt, in fresh processes, in turns.

    UV_PROJECT_ENVIRONMENT=.venv-bench uv sync --frozen --group bench
    .venv-bench/bin/python benchmarks/definitions_load.py 100 1000 --json results.json

Each measure is one process that imports a definitions file and builds its whole repository, as a
code location does. Seconds are CPU seconds; what travels between machines is the ratio.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from generate_project import generate
from measuring import compiled, in_turns, table

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
    """Return the medians of both for one size, and their ratio."""
    with tempfile.TemporaryDirectory(prefix="floe-bench-") as temporary:
        folder = Path(temporary) / "bench"
        generate(folder, models)
        compiled(folder, "dagster")
        (folder / "dagster_dbt_definitions.py").write_text(DAGSTER_DBT)
        files = {"floe": "definitions.py", "dagster-dbt": "dagster_dbt_definitions.py"}
        commands = {
            name: [sys.executable, "-c", MEASURE, str(folder / file)]
            for name, file in files.items()
        }
        medians = in_turns(commands, rounds)
    floe, peer = medians["floe"], medians["dagster-dbt"]
    assert floe["assets"] == peer["assets"] == models + 1, medians
    assert floe["checks"] == peer["checks"], medians
    return {"models": models, "ratio": floe["seconds"] / peer["seconds"], **medians}


def shown(results: list[dict[str, object]]) -> str:
    """Return the table, with floe's ratio to dagster-dbt."""
    head = ["models", "", "CPU s", "import", "define", "build", "peak MB", "ratio"]
    rows = []
    for result in results:
        for name in ("floe", "dagster-dbt"):
            found = result[name]
            assert isinstance(found, dict)
            numbers = ("seconds", "import_dagster", "define", "build_repository", "peak_mb")
            ratio = f"{result['ratio']:.2f}" if name == "floe" else ""
            rows.append([str(result["models"]), name, *(f"{found[n]:.2f}" for n in numbers), ratio])
    return table(head, rows)


if __name__ == "__main__":
    main()
