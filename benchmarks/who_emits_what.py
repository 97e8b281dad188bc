"""Who emits what as OpenLineage: floe and others, each running the same product to one backend.

    UV_PROJECT_ENVIRONMENT=.venv-bench uv sync --frozen --group bench
    .venv-bench/bin/python benchmarks/who_emits_what.py --write docs/who-emits-what.md

`--only floe` runs one of them; `--record FOLDER` keeps the events.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import lineage_emitters as emitters
from lineage_product import NAME, write_product
from lineage_questions import QUESTIONS
from lineage_recorder import Event, recording

EMITTERS: dict[str, Callable[[Path, str], None]] = {
    "floe": emitters.floe,
    "dbt-ol": emitters.dbt_ol,
    "dbt-ol, structured logs": emitters.dbt_ol_live,
    "Cosmos with Airflow's provider": emitters.cosmos,
    "dagster-openlineage": emitters.dagster_openlineage,
}
PACKAGES = (
    *("openlineage-dbt", "astronomer-cosmos", "apache-airflow", "dagster-dbt"),
    *("apache-airflow-providers-openlineage", "dagster-openlineage", "dagster", "dbt-core"),
    "dbt-duckdb",
)
PAGE = """\
# Who emits what

Each emitter runs the same small product on DuckDB: a seed, four models of which one fails and one
is skipped because of it, a snapshot, a test that passes and one that fails. Each is set up as its
documentation says. `benchmarks/who_emits_what.py` computes every answer from the events that one
HTTP backend received, and writes this page.

{table}

- "Nothing" means that there is no job of the node. Cosmos, and dbt-ol without structured logs, have
  one job for all tests of a model. With structured logs, the SQL is in a job of each statement.
- True origins: `revenue` sums `select *` of a CTE that reads `stg_orders`. An origin in the CTE
  counts as wrong.
- floe's events are from Dagster, and the same on Airflow. Row counts are those of dbt's adapter:
  dbt-duckdb reports them for seeds, dbt-postgres for tables, too.

With {versions}.
"""


def main() -> None:
    """Run each, ask its events, and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=EMITTERS, action="append")
    parser.add_argument("--record", type=Path)
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()
    recorded = {name: recorded_run(EMITTERS[name]) for name in arguments.only or EMITTERS}
    if arguments.record:
        arguments.record.mkdir(parents=True, exist_ok=True)
        for name, events in recorded.items():
            (arguments.record / f"{name}.json").write_text(json.dumps(events, indent=1))
    if arguments.write:
        arguments.write.write_text(PAGE.format(table=table(recorded), versions=versions()))
    else:
        print(table(recorded))


def recorded_run(emitter: Callable[[Path, str], None]) -> list[Event]:
    """Return what the backend received of one run."""
    with tempfile.TemporaryDirectory(prefix="floe-bench-") as folder, recording() as recorder:
        emitter(write_product(Path(folder) / NAME), recorder.url)
        events = recorder.settled()
    if not events:
        raise SystemExit(f"{emitter.__name__} sent nothing")
    return events


def table(recorded: dict[str, list[Event]]) -> str:
    """Return the answers as a Markdown table, a question a row."""
    lines = [["", *recorded], ["---"] * (len(recorded) + 1)]
    lines += [
        [question, *(ask(events) for events in recorded.values())]
        for question, ask in QUESTIONS.items()
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def versions() -> str:
    """Return the packages that took part."""
    return ", ".join(filter(None, map(_with_version, PACKAGES)))


def _with_version(name: str) -> str:
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return ""


if __name__ == "__main__":
    main()
