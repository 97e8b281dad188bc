"""Files of our own writing that use the other tools, and the other tools themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

CORPUS = Path(__file__).parent / "corpus"
ROOT = Path(__file__).parents[3]


def _installed(name: str, *requirements: str) -> Path:
    """Return a folder with packages that are put beside those of this environment."""
    folder = ROOT / "build" / "peers" / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not (folder / ".is-whole").exists():
            uv = str(Path(sys.executable).with_name("uv"))
            subprocess.run(
                [uv, "pip", "install", "-q", "--no-deps", "--target", folder, *requirements],
                check=True,
            )
            (folder / ".is-whole").touch()
    return folder


@pytest.fixture(scope="session")
def cosmos() -> Path:
    """Return a folder for PYTHONPATH that has Cosmos."""
    return _installed("cosmos-1.15.1", "astronomer-cosmos==1.15.1", "aenum", "deprecation")


@pytest.fixture(scope="session")
def dagster_dbt() -> Path:
    """Return a folder for PYTHONPATH that has dagster-dbt."""
    return _installed("dagster-dbt-0.29.27", "dagster-dbt==0.29.27")


@pytest.fixture
def ask_cosmos(cosmos: Path, tmp_path: Path):
    """Return a function that runs a program with Cosmos and returns what it prints."""

    def ask(program: str, *arguments: str) -> str:
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(cosmos), os.environ.get("PYTHONPATH", "")]),
            "AIRFLOW_HOME": str(tmp_path / "airflow"),
            "AIRFLOW__COSMOS__ENABLE_TELEMETRY": "False",
        }
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()[-1]

    return ask
