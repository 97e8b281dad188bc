"""How long a run by hand takes, from the command to its end: `floe run` and others beside dbt.

    .venv-bench/bin/python benchmarks/local_run.py 12 --rounds 3

Each measure is a whole process that parses the project and runs all of it: `floe run` on each
orchestrator, `dbt build`, and what a user of dagster-dbt and of Cosmos types (`dbt parse`, then
`dagster job execute` or `airflow dags test`). Each has a project and a DuckDB file of its own. The
ratios are medians of those to `dbt build` within a round.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
from pathlib import Path
from statistics import median

from definitions_load import DAGSTER_DBT
from generate_project import generate
from measuring import compiled, medians, run, table, timed_in_turns
from runs_on_airflow import COSMOS, PROFILE

BIN = Path(sys.executable).parent
ORCHESTRATORS = ("dagster", "airflow", "prefect")
PLAIN = "dbt build"


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", type=int, nargs="?", default=12)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="floe-bench-") as temporary:
        root = Path(temporary)
        commands = {
            PLAIN: [str(BIN / "dbt"), "build", *_paths(_made(root, "plain", arguments.models))],
            **_of_floe(root, arguments.models),
            "dagster-dbt": _of_dagster_dbt(root, arguments.models),
            "Cosmos": _of_cosmos(root, arguments.models),
        }
        homes = {"DAGSTER_HOME": str(root / "home"), "AIRFLOW_HOME": str(root / "airflow")}
        found = timed_in_turns(commands, arguments.rounds, **homes)
    rows = []
    for name, measures in found.items():
        pairs = zip(measures, found[PLAIN], strict=True)
        ratio = median(own["wall"] / plain["wall"] for own, plain in pairs)
        seconds = [f"{value:.1f}" for value in medians(measures).values()]
        rows.append([name, *seconds, f"{ratio:.2f}"])
    print(f"{arguments.models} models")
    print(table(["", "wall s", "CPU s", f"of {PLAIN}"], rows))


def _of_floe(root: Path, models: int) -> dict[str, list[str]]:
    floe = str(BIN / "floe")
    return {
        f"floe run, {name}": [floe, "run", str(_made(root, name, models)), "--on", name]
        for name in ORCHESTRATORS
    }


def _of_dagster_dbt(root: Path, models: int) -> list[str]:
    folder = _made(root, "dagster-dbt", models)
    file = folder / "dagster_dbt_definitions.py"
    file.write_text(DAGSTER_DBT)
    (root / "home").mkdir()
    (root / "home" / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    execute = [str(BIN / "dagster"), "job", "execute", "-f", str(file), "-j", "bench_job"]
    return _parse_and(folder, execute)


def _of_cosmos(root: Path, models: int) -> list[str]:
    folder = _made(root, "cosmos", models)
    home = root / "airflow"
    (home / "dags").mkdir(parents=True)
    text = COSMOS.format(folder=folder, dag_id="cosmos_local", mode="LOCAL", tasks=1)
    (home / "dags" / "cosmos_local.py").write_text(text)
    (folder / "cosmos").mkdir()
    (folder / "cosmos" / "profiles.yml").write_text(PROFILE.format(folder=folder))
    settings = ["AIRFLOW__CORE__LOAD_EXAMPLES=False", f"AIRFLOW__CORE__DAGS_FOLDER={home}/dags"]
    airflow = ["env", *settings, str(BIN / "airflow")]
    run([*airflow, "db", "migrate"], AIRFLOW_HOME=str(home))
    return _parse_and(folder, [*airflow, "dags", "test", "cosmos_local"])


def _made(root: Path, name: str, models: int) -> Path:
    folder = root / name
    generate(folder, models)
    # Its profiles.yml.
    compiled(folder, "dagster")
    return folder


def _paths(folder: Path) -> list[str]:
    return ["--project-dir", str(folder), "--profiles-dir", str(folder)]


def _parse_and(folder: Path, command: list[str]) -> list[str]:
    parse = [str(BIN / "dbt"), "parse", *_paths(folder)]
    return ["sh", "-c", f"{shlex.join(parse)} && {shlex.join(command)}"]


if __name__ == "__main__":
    main()
