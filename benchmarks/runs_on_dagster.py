"""How long a run on Dagster takes: floe beside dagster-dbt, raw dbt and an empty run, in turns.

    UV_PROJECT_ENVIRONMENT=.venv-bench uv sync --frozen --group bench
    .venv-bench/bin/python benchmarks/runs_on_dagster.py 12 1000 --json results.json

Each measure is `dagster job execute` as a whole process, with Dagster's default executor and an
instance of its own, or `dbt build`. The warehouse is there from the first round, which does not
count. What is compared is a run against plain dbt and an empty run of Dagster together.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from definitions_load import DAGSTER_DBT
from generate_project import generate
from measuring import Measure, compiled, table, timed_in_turns

EMPTY = """\
from dagster import Definitions, asset, define_asset_job


@asset
def nothing():
    return None


defs = Definitions(assets=[nothing], jobs=[define_asset_job("bench_job")])
"""
BIN = Path(sys.executable).parent
Results = dict[str, Measure]


def main() -> None:
    """Measure each size and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", type=int, nargs="*", default=[12, 1000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    results = {models: compare(models, arguments.rounds) for models in arguments.models}
    print(shown(results))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


def compare(models: int, rounds: int) -> Results:
    """Return name -> medians of wall and CPU seconds, for one size."""
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
            "empty run": _execute(root / "empty.py", "bench_job"),
            "floe": _execute(folders["floe"] / "definitions.py", "bench"),
            "dagster-dbt": _execute(
                folders["dagster-dbt"] / "dagster_dbt_definitions.py", "bench_job"
            ),
        }
        return timed_in_turns(commands, rounds, DAGSTER_HOME=str(root / "home"))


def _execute(file: Path, job: str) -> list[str]:
    return [str(BIN / "dagster"), "job", "execute", "-f", str(file), "-j", job]


def shown(results: dict[int, Results]) -> str:
    """Return the table, with the ratio of each to plain dbt and an empty run."""
    rows = []
    for models, found in results.items():
        floor = {kind: found["dbt build"][kind] + found["empty run"][kind] for kind in KINDS}
        for name, measure in found.items():
            numbers = [f"{measure[kind]:.1f}" for kind in KINDS]
            ratios = [f"{measure[kind] / floor[kind]:.2f}" for kind in KINDS]
            rows.append([str(models), name, *numbers, *ratios])
    return table(["models", "", "wall s", "CPU s", "ratio", "of CPU"], rows)


KINDS = ("wall", "cpu")

if __name__ == "__main__":
    main()
