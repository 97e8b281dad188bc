"""The oracle is plain dbt: what the command of a task selects, and what the job of floe does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from floe_core.compiler import compile_product
from floe_import.import_files import Request, import_files
from floe_import.writing import write_report

pytestmark = pytest.mark.long

DAG = """
from airflow.sdk import DAG
from airflow.providers.standard.operators.bash import BashOperator

with DAG(dag_id="shop"):
    BashOperator(task_id="task", bash_command={command!r}, cwd={folder!r})
"""
FILES = {
    "dbt_project.yml": "name: shop\nversion: 1.0.0\nprofile: shop\n",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}\n",
    "selectors.yml": "selectors: [{name: nightly, definition: 'tag:daily'}]\n",
    "seeds/raw.csv": "id\n1\n",
    "models/staging/one.sql": "{{ config(tags=['daily']) }} select * from {{ ref('raw') }}",
    "models/marts/two.sql": "select * from {{ ref('one') }}",
    "models/marts/three.sql": "{{ config(tags=['daily']) }} select a.id from {{ ref('two') }} a",
    "snapshots/s.sql": (
        "{% snapshot s %}{{ config(unique_key='id', strategy='check', check_cols='all', "
        "target_schema='s') }} select * from {{ ref('one') }}{% endsnapshot %}"
    ),
    "models/schema.yml": (
        "models:\n"
        "  - name: one\n    columns: [{name: id, data_tests: [unique]}]\n"
        "  - name: three\n"
        "    columns:\n"
        "      - name: id\n"
        "        data_tests: [{relationships: {arguments: {to: ref('one'), field: id}}}]\n"
        "unit_tests:\n"
        "  - name: two_copies\n    model: two\n    given: [{input: ref('one'), rows: [{id: 1}]}]\n"
        "    expect: {rows: [{id: 1}]}\n"
    ),
}
KINDS = {
    "run": ["model"],
    "test": ["test", "unit_test"],
    "seed": ["seed"],
    "snapshot": ["snapshot"],
    "build": ["model", "test", "unit_test", "seed", "snapshot"],
}


@pytest.mark.parametrize(
    "command",
    [
        "build",
        "run",
        "test",
        "seed",
        "snapshot",
        "run --select tag:daily",
        "run --select one+ --exclude tag:daily",
        "test --select tag:daily",
        "test --select marts --exclude three",
        "build --select +two",
        "build --selector nightly",
        "build --exclude resource_type:seed",
        "seed --select raw",
        "run --select path:models/marts,tag:daily one",
    ],
)
def test_a_job_has_the_nodes_of_the_command(command: str, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    wanted = _listed(command, folder)
    file = tmp_path / "dag.py"
    file.write_text(DAG.format(command=f"dbt {command}", folder=str(folder)))
    report = import_files(Request([file], (), tmp_path / "out"))
    assert report.disposition == "exact", report.as_text()
    write_report(report)
    artifacts = compile_product(folder)
    named = [job for job in artifacts.jobs if job.name == "task"] or list(artifacts.jobs)
    runs = {node.unique_id for node in artifacts.nodes_of(named[0])}
    assert runs == wanted


def _listed(command: str, folder: Path) -> set[str]:
    name, *flags = command.split()
    kinds = [word for kind in KINDS[name] for word in ("--resource-type", kind)]
    dbt = str(Path(sys.executable).with_name("dbt"))
    done = subprocess.run(
        [dbt, "--quiet", "ls", *flags, *kinds, "--output", "json", "--output-keys", "unique_id"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return {line.split('"')[3] for line in done.stdout.splitlines() if line.startswith("{")}
