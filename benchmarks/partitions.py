"""What partitions cost: a backfill beside plain dbt, `floe partitions` of very many, and loading.

    .venv/bin/python benchmarks/partitions.py [--days 365] [--models 20] [--chunk 30] [--json FILE]

The backfill builds the days in chunks; plain dbt is called for the same chunks, with the same vars,
after it. Both are CPU seconds of processes of their own. `floe partitions` is of 50 nodes with
10,000 partitions each. Dagster and Airflow load a product of 1,000 models, with and without
partitions, in turns. The look of a watcher is for a month, with 10,000 days in the ledger.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from generate_project import generate
from measuring import compiled, in_turns

from floe_core.compiler import compile_product
from floe_core.partitions.calendar import due_partitions
from floe_core.partitions.statuses import Record, code_of
from floe_core.partitions.store import store_of
from floe_core.ports.ledger import Ledger
from floe_core.ports.record import Update
from floe_core.ports.watch import TriggeredJob, look_in
from floe_core.schemas.partitions import Partitions
from floe_core.schemas.ports import UpdateTrigger

START = date(2025, 1, 1)
NODES, PARTITIONS, MODELS = 50, 10_000, 1000
BY_DAY = 'partitions: {by: day, start: 2020-01-01, select: "m_*", vars: {day: start_date}}\n'
LOADS = {
    "dagster": """\
import json, sys, time
from floe_orchestrator_dagster import load_product_definitions
import dagster
started = time.process_time()
load_product_definitions("bench", sys.argv[1]).get_repository_def().load_all_definitions()
print(json.dumps({"seconds": time.process_time() - started}))
""",
    "airflow": """\
import json, sys, time
from floe_orchestrator_airflow import load_product_dag
import airflow.sdk
started = time.process_time()
load_product_dag("bench", sys.argv[1])
print(json.dumps({"seconds": time.process_time() - started}))
""",
}
BIN = Path(sys.executable).parent
MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: many, version: 1.0.0}
plugins:
  orchestrator: {type: dagster}
  compute: {type: duckdb, config: {threads: 2}}
"""
FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {{name: many, version: 1.0.0}}
execution: {{backfillBy: {chunk}}}
partitions: {{by: day, start: {start}, select: "m*", vars: {{a: start, b: end}}}}
"""
RAW = """\
{{ config(materialized='table') }}
select timestamp '2025-01-01' + to_minutes(cast(i * 30 as int)) as at_, i as v
from range(17520) t(i)
"""
MODEL = """\
{{{{ config(materialized='incremental', unique_key='day') }}}}
select at_::date as day, sum(v) as v, {number} as n from {{{{ ref('raw') }}}}
where at_ >= '{{{{ var("a") }}}}' and at_ < '{{{{ var("b") }}}}' group by 1
"""
BUILD = """\
import sys
from floe_core.execution import BuildRequest, RunParameters, build
from floe_core.schemas import CompiledArtifacts
request = BuildRequest("many", "1", parameters=RunParameters(partitions=sys.argv[2]))
*_, end = build(CompiledArtifacts.load(sys.argv[1]), request)
sys.exit(not end.succeeded)
"""


def write(folder: Path, models: int, chunk: int, start: date) -> None:
    """Write and compile a product."""
    (folder / "models").mkdir(parents=True)
    (folder / "floe.yaml").write_text(FLOE.format(chunk=chunk, start=start))
    (folder / "manifest.yaml").write_text(MANIFEST)
    (folder / "dbt_project.yml").write_text("name: many\nversion: 1.0.0\nprofile: many\n")
    (folder / "models" / "raw.sql").write_text(RAW)
    for number in range(models):
        (folder / "models" / f"m{number}.sql").write_text(MODEL.format(number=number))
    compile_product(folder)


def cpu_seconds(*words: str | Path, cwd: Path) -> float:
    """Return what a process and those that it starts take."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "FLOE_PROJECT_DIR": str(cwd)}
    subprocess.run(words, cwd=cwd, env=environment, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def by_floe(folder: Path, days: int) -> float:
    """Return what a backfill takes."""
    last = START + timedelta(days=days - 1)
    return cpu_seconds(sys.executable, "-c", BUILD, folder, f"{START}...{last}", cwd=folder)


def by_dbt(folder: Path, days: int, chunk: int) -> float:
    """Return what plain dbt takes for the same."""
    call = [str(BIN / "dbt"), "-q", "build", "--profiles-dir", ".", "--target-path", "plain"]
    seconds = cpu_seconds(*call, "--select", "raw", cwd=folder)
    for first in range(0, days, chunk):
        edges = (START + timedelta(days=n) for n in (first, min(first + chunk, days)))
        given = dict(zip("ab", (f"{edge} 00:00:00" for edge in edges), strict=True))
        words = ["--select", "m*", "--vars", json.dumps(given)]
        seconds += cpu_seconds(*call, *words, cwd=folder)
    return seconds


def of_many(folder: Path) -> float:
    """Return what `floe partitions` takes."""
    today = datetime.now(UTC)
    write(folder, NODES, 1, today.date() - timedelta(days=PARTITIONS))
    artifacts = compile_product(folder)
    assert artifacts.partitions is not None
    keys = [each.key for each in due_partitions(artifacts.partitions, today)]
    codes = {i: code_of(artifacts.by_id[i]) for i in artifacts.partitions.node_ids}
    records = {
        node_id: {
            key: Record("done", f"run-{n // 30}", 1, code, n, n, n) for n, key in enumerate(keys)
        }
        for node_id, code in codes.items()
    }
    store_of(artifacts).write(artifacts.partitions, records)
    # The folder of the states is newer than the artifacts.
    compile_product(folder)
    return cpu_seconds(BIN / "floe", "partitions", folder, cwd=folder)


def load_ratio(root: Path, orchestrator: str) -> float:
    """Return what loading 1,000 models takes with partitions, by what it takes without."""
    commands = {}
    for name, more in {"whole": "", "by day": BY_DAY}.items():
        folder = root / f"{orchestrator} {name}"
        generate(folder, MODELS)
        (folder / "floe.yaml").write_text((folder / "floe.yaml").read_text() + more)
        compiled(folder, orchestrator)
        commands[name] = [sys.executable, "-c", LOADS[orchestrator], str(folder)]
    medians = in_turns(commands, 5)
    return medians["by day"]["seconds"] / medians["whole"]["seconds"]


def look_seconds(root: Path) -> float:
    """Return what a look takes that finds the one month to run, of 10,000 days that were built."""
    days = Partitions(by="day", start="2000-01-01")
    months = Partitions(by="month", start="2000-01-01")
    now = datetime(2027, 5, 18, tzinfo=UTC)
    ledger, over = Ledger(str(root)), due_partitions(months, now)
    keys = tuple(each.key for each in due_partitions(days, now))
    update = Update(number=0, moment=now, run_id="r", calendar="day-UTC")
    ledger.add_updates("crm", ["sales@1"], update, {"sales@1": keys})
    begun = {each.key: {} for each in over[:-1]}
    ledger.begin("report", "report", "r", {}, now, {}, begun)
    trigger = UpdateTrigger(
        on_update="all",
        ports=("crm/sales@1",),
        every=months,
        port_partitions={"crm/sales@1": days},
    )
    started = time.process_time()
    decision = look_in(ledger, TriggeredJob("report", "report", trigger), now)
    assert decision.period == over[-1].key
    return time.process_time() - started


def main() -> None:
    """Measure, and print or write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--models", type=int, default=20)
    parser.add_argument("--chunk", type=int, default=30)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        write(root / "backfill", given.models, given.chunk, START)
        ours = by_floe(root / "backfill", given.days)
        theirs = by_dbt(root / "backfill", given.days, given.chunk)
        found = {
            "backfill_by_floe": round(ours, 2),
            "backfill_by_dbt": round(theirs, 2),
            "ratio": round(ours / theirs, 2),
            "floe_partitions_of_many": round(of_many(root / "many"), 2),
            "dagster_loads_ratio": round(load_ratio(root, "dagster"), 2),
            "airflow_loads_ratio": round(load_ratio(root, "airflow"), 2),
            "look_for_a_month": round(look_seconds(root / "ledger"), 3),
        }
    text = json.dumps(found, indent=1)
    print(text)
    if given.json:
        given.json.write_text(text)


if __name__ == "__main__":
    main()
