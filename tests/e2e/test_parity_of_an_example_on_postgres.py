"""`floe parity` of customer-360 on PostgreSQL, with plain dbt, Dagster and Airflow as sides."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from own_database import SERVER, compute, own_database, rows

FLOE = Path(sys.executable).with_name("floe")
EXAMPLES = Path(__file__).parents[2] / "examples"
SIDES = ("dbt", "dagster", "airflow")
OF_THE_SIDES = "select nspname from pg_namespace where nspname ~ '^floe'"


def write_product(folder: Path, database: str) -> Path:
    """Return a copy of the example, whose one line of compute is another."""
    shutil.copytree(EXAMPLES, folder, ignore=shutil.ignore_patterns(".floe"))
    manifest = folder / "manifest.yaml"
    line = f"  compute: {{{compute(database, 'live')}}}"
    manifest.write_text(re.sub(r"  compute: \{type: duckdb.*", line, manifest.read_text()))
    floe = folder / "customer-360" / "floe.yaml"
    floe.write_text(floe.read_text().replace(", compute: duckdb", ""))
    return folder / "customer-360"


@pytest.mark.slow
def test_customer_360_is_the_same_on_all_sides(tmp_path: Path) -> None:
    with own_database() as database:
        product = write_product(tmp_path / "examples", database)
        chosen = [text for side in SIDES for text in ("--on", side)]
        done = subprocess.run(
            [FLOE, "parity", product, *chosen, "--json"],
            capture_output=True,
            text=True,
            env={**os.environ, "FLOE_TEST_PASSWORD": SERVER["password"]},
            check=False,
        )
        told = json.loads(done.stdout)
        assert told["differences"] == []
        assert {i: n["differences"] for i, n in told["nodes"].items() if n["differences"]} == {}
        assert {side: run["status"] for side, run in told["runs"].items()} == dict.fromkeys(
            SIDES, "success"
        )
        assert done.returncode == 0
        assert len([node for node in told["nodes"].values() if node["rows"]]) == 10
        assert len(told["nodes"]) == 26
        assert rows(database, OF_THE_SIDES) == []
