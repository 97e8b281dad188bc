"""A product of every kind of result, cut by a step, and plain dbt's files of the same build."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import duckdb
from plain_shop import FLOE, MANIFEST
from warm_floe import dbt

Json = dict[str, Any]
STEP = "import duckdb\nwith duckdb.connect('shop.duckdb') as c:\n    c.execute({sql!r})\n"
DUCKDB = "{type: duckdb, config: {path: shop.duckdb}}"
LOAD = "create or replace table scores as select 1 as id, 10 as score union all select 2, 20"
# `late` fails in the first attempt of a run.
FILES = {
    "manifest.yaml": MANIFEST.replace("plain", "dagster").replace("{type: duckdb}", DUCKDB),
    "floe.yaml": FLOE
    + "steps:\n  - {name: score, command: [python, score.py], reads: [mart], writes: [raw.scores]}\n"
    + "execution: {retries: 1, retryDelaySeconds: 1}\n"
    + "artifacts: {to: written}\n",
    "score.py": STEP.format(sql=LOAD),
    "dbt_project.yml": (
        "name: shop\nversion: 1.0.0\nprofile: shop\nmodels: {+materialized: table}\n"
        "on-run-end: ['select 1']\n"
    ),
    "seeds/people.csv": "id,name\n1,Ada\n2,Grace\n",
    "snapshots/history.sql": (
        "{% snapshot history %}{{ config(unique_key='id', strategy='check', check_cols=['name']) }}"
        "select * from {{ ref('people') }}{% endsnapshot %}"
    ),
    "models/between.sql": "{{ config(materialized='ephemeral') }} select * from {{ ref('people') }}",
    "models/named.sql": "select id, name from {{ ref('people') }}",
    "models/mart.sql": "select id, name from {{ ref('between') }}",
    "models/scored.sql": (
        "select m.id, s.score from {{ ref('mart') }} m join {{ source('raw', 'scores') }} s using (id)"
    ),
    "models/late.sql": (
        "{% if var('floe_attempt', 2) | int == 1 %} select no_such_column {% else %}"
        " select sum(score) as score from {{ ref('scored') }} {% endif %}\n"
        "-- depends_on: {{ ref('scored') }}\n"
    ),
    "models/below_late.sql": "select * from {{ ref('late') }}",
    "models/doubted.sql": "select * from {{ ref('scored') }}",
    "models/held_back.sql": "select * from {{ ref('doubted') }}",
    "models/schema.yml": """\
sources: [{name: raw, schema: main, tables: [{name: scores}]}]
models:
  - {name: mart, columns: [{name: id, data_tests: [unique]}]}
  - name: doubted
    columns:
      - name: score
        data_tests:
          - accepted_values: {arguments: {values: [10]}, config: {store_failures: true}}
          - not_null
  - name: scored
    columns:
      - {name: score, data_tests: [{accepted_values: {arguments: {values: [20]}, config: {severity: warn}}}]}
unit_tests:
  - name: all_people_are_kept
    model: named
    given: [{input: ref('people'), rows: [{id: 1, name: Ada}]}]
    expect: {rows: [{id: 1, name: Ada}]}
""",
}
# What differs from one call to the next.
_OF_ONE_CALL = frozenset({"timing", "thread_id", "execution_time"})


def write_reported_product(folder: Path, **more: str) -> Path:
    """Write the product into a folder, and return it; `more` is added to its files by name."""
    for name, text in {**FILES, **more}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def built_by_plain_dbt(folder: Path, program: Path | None = None, *, anew: bool = True) -> Path:
    """Return the folder of dbt's files, of a build of a compiled product by itself.

    `anew` builds in a new warehouse, where nothing is but what the step loads.
    """
    target, file = folder.parent / "plain-target", folder / "shop.duckdb"
    kept = file.read_bytes() if file.exists() else None
    if anew:
        file.unlink(missing_ok=True)
        with duckdb.connect(str(file)) as warehouse:
            warehouse.execute(LOAD)
    words = ("build", "--target-path", str(target), "--profiles-dir", ".")
    if program is None:
        dbt(*words, cwd=folder, check=False)
    else:
        subprocess.run(
            [program, *words],
            cwd=folder,
            check=False,
            env={**os.environ, "FLOE_PROJECT_DIR": str(folder)},
        )
    if kept is not None:
        file.write_bytes(kept)
    return target


def content(folder: Path, name: str) -> Json:
    """Return the content of a file of JSON."""
    found: Json = json.loads((folder / name).read_text())
    return found


def results_in(folder: Path) -> dict[str, Json]:
    """Return node id -> dbt's result, without what differs from one call to the next.

    Of the timing, the names of the phases are left.
    """
    rows = content(folder, "run_results.json")["results"]
    found = {row["unique_id"]: row for row in rows}
    assert len(found) == len(rows), "a node has two results"
    return {
        node_id: {
            **{name: value for name, value in row.items() if name not in _OF_ONE_CALL},
            "phases": [phase["name"] for phase in row["timing"]],
            "keys": sorted(row),
        }
        for node_id, row in found.items()
    }


def codes_in(folder: Path) -> dict[str, str]:
    """Return node id -> compiled code, according to the manifest."""
    nodes = content(folder, "manifest.json")["nodes"]
    return {i: node["compiled_code"] for i, node in nodes.items() if node.get("compiled_code")}
