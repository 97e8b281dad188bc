"""How long a run on Dagster takes: floe beside dagster-dbt, raw dbt and an empty run, in turns.

    UV_PROJECT_ENVIRONMENT=.venv-bench uv sync --frozen --group bench
    .venv-bench/bin/python benchmarks/runs_on_dagster.py 12 1000 --json results.json

Each measure is `dagster job execute` as a whole process, with Dagster's default executor and an
instance of its own, or `dbt build`. The warehouse is there from the first round, which does not
count. What is compared is a run against plain dbt and an empty run of Dagster together; a ratio is
the median of those within a round. dagster-dbt is left out beyond 1,000 models, for it takes long.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from statistics import median

from definitions_load import DAGSTER_DBT
from generate_project import generate
from measuring import Measure, compiled, measure_sizes, medians, table, timed_in_turns

EMPTY = """\
from dagster import Definitions, asset, define_asset_job


@asset
def nothing():
    return None


defs = Definitions(assets=[nothing], jobs=[define_asset_job("bench_job")])
"""
BIN = Path(sys.executable).parent
KINDS = ("wall", "cpu")
DAGSTER_DBT_UP_TO = 1000
Results = dict[str, Measure]


def main() -> None:
    """Measure each size and print the table."""
    measure_sizes(__doc__, [12, 1000], compare, shown)


def compare(models: int, rounds: int) -> Results:
    """Return name -> medians of wall and CPU seconds and of their ratios, for one size."""
    with tempfile.TemporaryDirectory(prefix="floe-bench-") as temporary:
        root = Path(temporary)
        folders = {name: root / name for name in ("raw", "floe", "dagster-dbt")}
        for folder in folders.values():
            generate(folder, models)
            compiled(folder, "dagster")
        (folders["dagster-dbt"] / "dagster_dbt_definitions.py").write_text(DAGSTER_DBT)
        (root / "empty.py").write_text(EMPTY)
        (root / "home").mkdir()
        (root / "home" / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
        raw = ["--project-dir", str(folders["raw"]), "--profiles-dir", str(folders["raw"])]
        commands = {
            "dbt build": [str(BIN / "dbt"), "build", *raw, "--log-path", str(root / "logs")],
            "empty run": execute(root / "empty.py", "bench_job"),
            "floe": execute(folders["floe"] / "definitions.py", "bench"),
        }
        if models <= DAGSTER_DBT_UP_TO:
            file = folders["dagster-dbt"] / "dagster_dbt_definitions.py"
            commands["dagster-dbt"] = execute(file, "bench_job")
        found = timed_in_turns(commands, rounds, DAGSTER_HOME=str(root / "home"))
    return beside_dbt(found)


def beside_dbt(found: dict[str, list[Measure]]) -> Results:
    """Return the medians of each command, and its ratios to plain dbt and an empty run together."""
    floor = [_both(*pair) for pair in zip(found["dbt build"], found["empty run"], strict=True)]
    return {name: medians(measures) | _ratios(measures, floor) for name, measures in found.items()}


def _both(one: Measure, other: Measure) -> Measure:
    return {kind: one[kind] + other[kind] for kind in KINDS}


def _ratios(measures: list[Measure], floor: list[Measure]) -> Measure:
    """Return the medians of the ratios within a round, and the least and the greatest of wall."""
    of_wall = sorted(m["wall"] / f["wall"] for m, f in zip(measures, floor, strict=True))
    of_cpu = [m["cpu"] / f["cpu"] for m, f in zip(measures, floor, strict=True)]
    return {
        "wall ratio": round(median(of_wall), 3),
        "least": round(of_wall[0], 3),
        "greatest": round(of_wall[-1], 3),
        "cpu ratio": round(median(of_cpu), 3),
    }


def execute(file: Path, job: str) -> list[str]:
    return [str(BIN / "dagster"), "job", "execute", "-f", str(file), "-j", job]


def shown(results: dict[int, Results]) -> str:
    """Return the table, with the ratio of each to plain dbt and an empty run."""
    rows = []
    for models, found in results.items():
        for name, measure in found.items():
            ratio = f"{measure['wall ratio']:.2f}"
            spread = f"{measure['least']:.2f} to {measure['greatest']:.2f}"
            seconds = [f"{measure[kind]:.1f}" for kind in KINDS]
            rows.append([str(models), name, *seconds, ratio, spread, f"{measure['cpu ratio']:.2f}"])
    return table(["models", "", "wall s", "CPU s", "ratio", "from", "of CPU"], rows)


if __name__ == "__main__":
    main()
