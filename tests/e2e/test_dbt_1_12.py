"""dbt 1.12 beside floe, as a library in the process of a run, against that same dbt by itself."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
# As docs/engines.md says: the wheels of a parser that dbt-core 1.12 asks for are elsewhere.
OVERRIDES = 'dbt-core-experimental-parser ; sys_platform == "never"\n'
OURS = (
    ".",
    *(f"plugins/floe-orchestrator-{n}" for n in ("dagster", "airflow")),
)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where floe is with dbt 1.12 beside it; skip where the registry lacks it."""
    folder = tmp_path_factory.mktemp("dbt-1-12")
    (folder / "overrides.txt").write_text(OVERRIDES)
    run(UV, "venv", "--quiet", "--python", sys.executable, folder / "own")
    into = ("--python", folder / "own/bin/python", "--override", folder / "overrides.txt")
    packages = [text for name in OURS for text in ("--editable", str(ROOT / name))]
    run(UV, "pip", "install", "--quiet", *into, *packages, "dbt-core>=1.12", "dbt-duckdb")
    return folder / "own/bin"


def run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"dbt 1.12 can't be installed: {done.stderr[-300:]}")


def floe(programs: Path, *arguments: str | Path) -> Any:
    """Return the JSON that a command of floe prints."""
    command = [programs / "floe", *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def product(tmp_path: Path) -> Path:
    """Return a copy of examples/customer-360."""
    ignored = shutil.ignore_patterns(".floe", "target", "*.duckdb")
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=ignored)
    return tmp_path / "examples" / "customer-360"


def test_the_example_runs_as_dbt_1_12_runs_it(programs: Path, product: Path) -> None:
    told = floe(programs, "parity", product, "--on", "dbt", "--on", "dagster", "--on", "airflow")
    compiled = floe(programs, "compile", product)
    artifacts = json.loads((product / "compiled_artifacts.json").read_text())
    assert artifacts["dbt"]["version"].startswith("1.12."), compiled
    assert told["equal"], told
    assert len(told["nodes"]) == 26
    assert {run["status"] for run in told["runs"].values()} == {"success"}


def test_what_fails_fails_as_under_dbt_1_12(programs: Path, product: Path) -> None:
    (product / "models" / "marts" / "broken.sql").write_text(
        "select no_such from {{ ref('dim_customers') }}\n"
    )
    told = floe(programs, "parity", product, "--on", "dbt", "--on", "dagster")
    assert told["equal"], told
    assert {run["status"] for run in told["runs"].values()} == {"failed"}
    done = floe(programs, "run", product)
    assert "no_such" in done["errors"]["model.customer_360.broken"]


def test_a_run_has_the_parse_of_compile_time(programs: Path, product: Path) -> None:
    """The names of dbt that this borrows are those of 1.12, too: nothing is said to be missing."""
    done = subprocess.run(
        [programs / "floe", "run", product], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    shown = done.stdout + done.stderr
    assert "parses the project again" not in shown
    assert "does not have" not in shown
