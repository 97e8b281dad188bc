"""What column lineage of N models costs: floe's evaluation beside sqlglot's own `lineage`.

    .venv/bin/python benchmarks/column_lineage.py 1000 --columns 20 --json results.json

Each measure is one process, its CPU seconds with imports, over the SQL that `dbt compile` made.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import generate_project
from measuring import compiled, in_turns, run, table

FLOE = """\
import json, resource, sys, time
from datetime import UTC, datetime
from pathlib import Path
from floe_core.runs.build_events import NodeResult
from floe_core.runs.build_request import BuildRequest
from floe_core.lineage.build_story import BuildStory
from floe_core.secrets.redactor import Redactor
from floe_core.schemas import CompiledArtifacts

folder = Path(sys.argv[1])
artifacts = CompiledArtifacts.load(folder)
story = BuildStory(artifacts, BuildRequest(artifacts.jobs[0].name, "bench"), Redactor())
events = []
for node in artifacts.nodes:  # their names are in the order of the graph
    if node.resource_type in ("model", "seed"):
        path = folder / "target" / "compiled" / node.package / node.path
        sql = path.read_text() if node.resource_type == "model" else None
        now = datetime.now(UTC)
        result = NodeResult(node.unique_id, "success", started_at=now, ended_at=now)
        events.append(story.node_ended(result, sql)[-1])
events.sort(key=lambda event: event["job"]["name"].split(".")[1] == "model")
before = time.process_time()
from floe_core.lineage.column_lineage import ColumnLineage
lineage = ColumnLineage(folder / ".floe" / sys.argv[2])
told = [lineage.add_to(event)["outputs"][0]["facets"] for event in events]
seconds = time.process_time() - before
columns = sum(len(each["columnLineage"]["fields"]) for each in told if "columnLineage" in each)
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "columns": columns, "memory": memory}))
"""
SQLGLOT = """\
import json, resource, sys, time
from pathlib import Path
from floe_core.schemas import CompiledArtifacts

folder = Path(sys.argv[1])
artifacts = CompiledArtifacts.load(folder)
before = time.process_time()
from sqlglot import MappingSchema, exp
from sqlglot.lineage import lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import build_scope
import sqlglot
schema = MappingSchema(dialect="duckdb")
columns = 0
for node in artifacts.nodes:
    if node.resource_type == "model":
        sql = (folder / "target" / "compiled" / node.package / node.path).read_text()
        query = qualify(sqlglot.parse_one(sql, dialect="duckdb"), schema=schema, dialect="duckdb",
                        validate_qualify_columns=False, identify=False)
        scope = build_scope(query)
        for name in query.named_selects:
            root = lineage(name, query, schema, scope=scope, dialect="duckdb", copy=False)
            columns += any(not each.downstream for each in root.walk())
        table = exp.table_(node.identifier, db=node.schema_name, catalog=node.database)
        schema.add_table(table, {name: "text" for name in query.named_selects}, dialect="duckdb")
seconds = time.process_time() - before
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "columns": columns, "memory": memory}))
"""


def measured(folder: Path, models: int, columns: int, rounds: int) -> dict[str, dict[str, float]]:
    """Return the medians of each way, over one generated product."""
    generate_project.COLUMNS = columns
    generate_project.generate(folder, models)
    compiled(folder, "dagster")
    dbt = str(Path(sys.executable).parent / "dbt")
    where = ["--project-dir", str(folder), "--profiles-dir", str(folder)]
    run([dbt, "--quiet", "compile", *where], FLOE_PROJECT_DIR=str(folder))
    compiled(folder, "dagster")  # dbt wrote a manifest of its own
    commands = {
        "floe": [sys.executable, "-c", FLOE, str(folder), "columns-of-benchmark"],
        "sqlglot": [sys.executable, "-c", SQLGLOT, str(folder)],
    }
    return in_turns(commands, rounds)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", type=int)
    parser.add_argument("--columns", type=int, default=20, help="Columns of each model.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        product = Path(folder) / "product"
        product.mkdir()
        found = measured(product, arguments.models, arguments.columns, arguments.rounds)
    head = ["", "CPU s", "columns", "peak MB"]
    rows = [
        [name, f"{each['seconds']:.2f}", f"{each['columns']:.0f}", f"{each['memory']:.0f}"]
        for name, each in found.items()
    ]
    print(table(head, rows))
    print(f"ratio {found['floe']['seconds'] / found['sqlglot']['seconds']:.2f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
