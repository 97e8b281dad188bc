"""A product does the same on Prefect as on Dagster, also where a part of it fails again and again.

Quick tests hold failures on Prefect against Airflow: see `test_the_same_everywhere.py`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
FLOE = Path(sys.executable).parent / "floe"
EXAMPLES = Path(__file__).parents[2] / "examples"
RETRIES = "execution: {retries: 1, retryDelaySeconds: 1}\n"
FAILING = {
    "models/bad.sql": "select no_such_column from {{ ref('stg_people') }}",
    "models/after_bad.sql": "select * from {{ ref('bad') }}",
}


def parity(product: Path) -> tuple[int, dict]:
    """Return the exit code and what `floe parity` tells of Prefect and Dagster."""
    done = subprocess.run(
        [FLOE, "parity", product, "--on", "prefect", "--on", "dagster", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=shutil.ignore_patterns(".floe"))
    return tmp_path / "examples" / "hello"


def test_hello_is_the_same_on_prefect(hello: Path) -> None:
    code, told = parity(hello)
    assert told["equal"], told
    assert code == 0


def test_a_model_that_fails_is_the_same_on_prefect(hello: Path) -> None:
    for name, sql in FAILING.items():
        (hello / name).write_text(sql)
    with (hello / "floe.yaml").open("a") as spec:
        spec.write(RETRIES)
    code, told = parity(hello)
    assert told["equal"], told
    assert {i: n["differences"] for i, n in told["nodes"].items() if n["differences"]} == {}
    # Equal, and both runs have failed.
    assert code == 1
