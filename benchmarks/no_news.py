"""What a run takes in which everything is reused, beyond an empty run of each orchestrator.

    .venv/bin/python benchmarks/no_news.py 1000 --rounds 3

Wall seconds. On Dagster a run is a process of `dagster job execute`; the empty one has the same
assets and checks, which do nothing. On Airflow it is the time from the request of a run to its end,
with SQLite and LocalExecutor; the empty one has one task that does nothing. On Prefect it is a
process that calls the flow, on a server that is up; the empty one has one such task too. The first
round builds the warehouse and does not count. A run that builds a node ends the benchmark.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from generate_project import generate
from measuring import QUIET, compiled, run, table
from prefect_server import PREFECT_EMPTY, PREFECT_RUN, prefect_server
from runs_on_airflow import run_dag, timed, wait
from runs_on_dagster import execute

from floe_core.schemas import CompiledArtifacts
from floe_orchestrator_airflow.local.service import LocalAirflow

AIRFLOW_EMPTY = """\
from datetime import datetime

from airflow.sdk import dag, task


@dag(schedule=None, start_date=datetime(2026, 1, 1), catchup=False)
def empty():
    @task
    def nothing():
        return None

    nothing()


empty()
"""
# With the planned events that Dagster stores for each asset and check of any job.
DAGSTER_EMPTY = """\
from dagster import AssetCheckSpec, AssetSpec, Definitions, define_asset_job, multi_asset

ASSETS = [f"asset_{{number}}" for number in range({models})]


@multi_asset(
    specs=[AssetSpec(name, skippable=True) for name in ASSETS],
    check_specs=[AssetCheckSpec("check", asset=name) for name in ASSETS[::5]],
    can_subset=True,
)
def nothing():
    yield from ()


defs = Definitions(assets=[nothing], jobs=[define_asset_job("empty")])
"""
EMPTY_RUN, NO_NEWS = "empty run", "no news"
Runs = dict[str, Callable[[], object]]


def main() -> None:
    """Measure each orchestrator and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", type=int, nargs="?", default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="floe-bench-") as temporary:
        for side in (on_dagster, on_airflow, on_prefect):
            name = side.__name__.removeprefix("on_")
            root = Path(temporary) / name
            folder = _made(root, name, arguments.models)
            with side(folder, arguments.models) as runs:
                empty, ours = _measured(runs, arguments.rounds, folder)
            rows.append([name, f"{empty:.1f}", f"{ours:.1f}", f"{ours - empty:.1f}"])
    print(f"{arguments.models} models; wall seconds")
    print(table(["", EMPTY_RUN, NO_NEWS, "beyond"], rows))


def _made(root: Path, orchestrator: str, models: int) -> Path:
    folder = root / "bench"
    generate(folder, models)
    spec = folder / "floe.yaml"
    spec.write_text(spec.read_text() + "execution: {reuse: unchanged}\n")
    compiled(folder, orchestrator)
    return folder


def _measured(runs: Runs, rounds: int, folder: Path) -> tuple[float, float]:
    """Return the median wall seconds of the empty run and of the one without news."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds + 1):
        for name, work in runs.items():
            seconds[name].append(timed(work))
    _check_that_nothing_was_built(folder, rounds)
    return median(seconds[EMPTY_RUN][1:]), median(seconds[NO_NEWS][1:])


def _check_that_nothing_was_built(folder: Path, rounds: int) -> None:
    floe = str(Path(sys.executable).with_name("floe"))
    history = json.loads(run([floe, "plan", str(folder), "--history", "--json"]))
    counts = [(each["built"], each["reused"]) for each in history]
    if len(counts) != rounds + 1 or any(built or not reused for built, reused in counts[1:]):
        raise SystemExit(f"runs without news have built nodes: (built, reused) is {counts}")


@contextmanager
def on_dagster(folder: Path, models: int) -> Iterator[Runs]:
    """Run in processes of `dagster job execute`, on one instance."""
    home = folder.parent / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    empty = folder.parent / "empty.py"
    empty.write_text(DAGSTER_EMPTY.format(models=models + 1))
    yield {
        EMPTY_RUN: lambda: run(execute(empty, "empty"), DAGSTER_HOME=str(home)),
        NO_NEWS: lambda: run(execute(folder / "definitions.py", "bench"), DAGSTER_HOME=str(home)),
    }


@contextmanager
def on_airflow(folder: Path, _: int) -> Iterator[Runs]:
    """Run on one Airflow that is there already."""
    with LocalAirflow(folder.parent / "airflow", variables=QUIET) as airflow:
        airflow.add(CompiledArtifacts.load(folder), "bench")
        (airflow.home.dags / "empty.py").write_text(AIRFLOW_EMPTY)
        wait(lambda: airflow.api.dag("empty") is not None, 120, "reading the empty DAG")
        airflow.api.unpause("empty")
        yield {
            EMPTY_RUN: lambda: run_dag(airflow, "empty"),
            NO_NEWS: lambda: run_dag(airflow, "bench"),
        }


@contextmanager
def on_prefect(folder: Path, _: int) -> Iterator[Runs]:
    """Run flows in processes of their own, on a server that is up."""
    empty = folder.parent / "empty.py"
    empty.write_text(PREFECT_EMPTY)
    ours = [sys.executable, "-c", PREFECT_RUN]
    with prefect_server(folder.parent / "prefect", PYTHONPATH=str(folder)) as settings:
        yield {
            EMPTY_RUN: lambda: run([sys.executable, str(empty)], **settings),
            NO_NEWS: lambda: run(ours, **settings),
        }


if __name__ == "__main__":
    main()
