#!/usr/bin/env python3
"""Kill random processes of runs at random moments while dbt is running, and check what is left.

For each kill: the run is never green with a node that did not pass, no process is left after ten
seconds, and the next run ends with the tables of plain dbt. Prints a line a kill and a summary;
exits 1 if anything failed. `--seed` repeats a campaign's choices, not its timing.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from floe_core.parity.side import compile_side, run_side
from floe_core.schemas import CompiledArtifacts
from floe_core.warehouse.table_contents import TableContents, read_tables

FLOE = Path(sys.executable).with_name("floe")
ORCHESTRATORS = ("dagster", "airflow", "prefect")
LAYERS, WIDTH = 6, 3
SECONDS_TO_START, SECONDS_TO_END, SECONDS_TO_VANISH = 240, 300, 10
SECONDS_TO_END_AGAIN = 600
MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: dagster}
  compute: {type: duckdb, config: {path: "{product_slug}.duckdb", threads: 2}}
"""
FLOE_YAML = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: victim, version: 1.0.0}
platform: {manifest: manifest.yaml}
"""


@dataclass(frozen=True)
class Outcome:
    """One kill. `problems` are what must not be, none for a kill that was borne well."""

    victim: str
    after_seconds: float
    run: str
    problems: tuple[str, ...]


def main() -> None:
    """Run the campaign that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--on", choices=ORCHESTRATORS, action="append")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    chance = random.Random(chosen.seed)
    with tempfile.TemporaryDirectory(prefix="floe-kills-") as folder:
        expected = tables_of_plain_dbt(write_product(Path(folder, "plain")), Path(folder, "dbt"))
        failed = 0
        for orchestrator in chosen.on or ORCHESTRATORS:
            failed += campaign(orchestrator, chosen.kills, chance, Path(folder), expected)
    sys.exit(1 if failed else 0)


def campaign(
    orchestrator: str, kills: int, chance: random.Random, folder: Path, expected: object
) -> int:
    """Return how many kills of one orchestrator were not borne well."""
    outcomes = []
    for number in range(kills):
        product = write_product(folder / f"{orchestrator}-{number}")
        outcome = kill_once(product, orchestrator, chance, expected)
        outcomes.append(outcome)
        told = "; ".join(outcome.problems) or "well"
        print(
            f"{orchestrator} {number + 1}/{kills}: {outcome.victim} after "
            f"{outcome.after_seconds:.1f} s, run {outcome.run}: {told}",
            flush=True,
        )
        shutil.rmtree(product, ignore_errors=True)
    failed = sum(1 for outcome in outcomes if outcome.problems)
    print(f"{orchestrator}: {kills - failed} of {kills} kills borne well", flush=True)
    return failed


def write_product(folder: Path) -> Path:
    """Write a product of which dbt takes some seconds: layers of tables, each with a test."""
    (folder / "models").mkdir(parents=True)
    (folder / "floe.yaml").write_text(FLOE_YAML)
    (folder / "manifest.yaml").write_text(MANIFEST)
    (folder / "dbt_project.yml").write_text(
        "name: victim\nversion: 1.0.0\nprofile: victim\nmodels: {+materialized: table}\n"
    )
    tests = ["models:"]
    for layer in range(LAYERS):
        for place in range(WIDTH):
            below = f"{{{{ ref('m_{layer - 1}_{place}') }}}}" if layer else "(select 1 as id)"
            sql = (
                "select max(id) as id, sum(hash(n) % 7) as total "
                f"from range(40000000) numbers(n), {below}\n"
            )
            (folder / "models" / f"m_{layer}_{place}.sql").write_text(sql)
            tests.append(
                f"  - {{name: m_{layer}_{place}, columns: [{{name: id, data_tests: [unique]}}]}}"
            )
    (folder / "models" / "schema.yml").write_text("\n".join(tests) + "\n")
    return folder


def tables_of_plain_dbt(product: Path, folder: Path) -> dict[str, TableContents]:
    """Return what plain `dbt build` makes of the product."""
    side = run_side(compile_side(product, "dbt", folder), lambda event: None)
    if side.report.status != "success":
        raise SystemExit(f"plain dbt failed: {side.report.message}")
    return side.tables


def kill_once(product: Path, orchestrator: str, chance: random.Random, expected: object) -> Outcome:
    """Start a run, kill one of its processes while dbt is running, and look at what follows."""
    run = subprocess.Popen(
        [FLOE, "run", product, "--on", orchestrator, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    wait_until_dbt_runs(product, run)
    after = chance.uniform(0.0, 6.0)
    time.sleep(after)
    processes = [psutil.Process(run.pid), *psutil.Process(run.pid).children(recursive=True)]
    victim = chance.choice(processes)
    name = describe(victim)
    victim.kill()
    problems: list[str] = []
    try:
        shown, _ = run.communicate(timeout=SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        problems.append(f"the run did not end within {SECONDS_TO_END} s")
        os.killpg(run.pid, 9)
        shown = ""
    told = status_of(shown, run.returncode)
    problems += problems_of_run(told, product, expected)
    problems += left_behind(processes)
    problems += problems_of_next_run(product, orchestrator, expected)
    return Outcome(name, after, told, tuple(problems))


def wait_until_dbt_runs(product: Path, run: subprocess.Popen[str]) -> None:
    """Return when a node has begun, by the journal of the run."""
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and run.poll() is None:
        for journal in product.glob(".floe/runs/*/events.jsonl"):
            if '"NodeStarted"' in journal.read_text(errors="replace"):
                return
        time.sleep(0.1)
    raise SystemExit(f"no node began within {SECONDS_TO_START} s in {product}")


def describe(process: psutil.Process) -> str:
    """Return a short name of a process: the module or program that it runs."""
    try:
        words = process.cmdline()
    except psutil.NoSuchProcess:
        return "one that was ending"
    if "-m" in words:
        return words[words.index("-m") + 1].rpartition(".")[2]
    return " ".join(Path(word).name for word in words[:3])[:40] or process.name()


def status_of(shown: str, code: int | None) -> str:
    """Return what the run said of itself; "killed" for one that could say nothing."""
    try:
        return str(json.loads(shown)["status"])
    except (ValueError, KeyError):
        return "success" if code == 0 else "killed"


def problems_of_run(told: str, product: Path, expected: object) -> list[str]:
    """Return what is wrong with a run that says that it is green."""
    if told != "success":
        return []
    return [] if tables_of(product) == expected else ["green, and not all tables are there"]


def left_behind(processes: list[psutil.Process]) -> list[str]:
    """Return the processes of the run that are still there ten seconds later."""
    _, alive = psutil.wait_procs(processes, timeout=SECONDS_TO_VANISH)
    found = []
    for process in alive:
        if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            found.append(f"left behind: {describe(process)}")
            process.kill()
    return found


def problems_of_next_run(product: Path, orchestrator: str, expected: object) -> list[str]:
    """Return what is wrong with the run after it."""
    command = [FLOE, "run", product, "--on", orchestrator, "--json"]
    try:
        again = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=SECONDS_TO_END_AGAIN
        )
    except subprocess.TimeoutExpired:
        return [f"the next run did not end within {SECONDS_TO_END_AGAIN} s"]
    if again.returncode:
        return [f"the next run failed: {again.stdout[-300:]} {again.stderr[-300:]}"]
    return [] if tables_of(product) == expected else ["the next run left other tables than dbt"]


def tables_of(product: Path) -> dict[str, TableContents]:
    """Return the contents of the product's tables."""
    return read_tables(CompiledArtifacts.load(product))


if __name__ == "__main__":
    main()
