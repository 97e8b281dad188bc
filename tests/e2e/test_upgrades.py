"""What older versions wrote still works: compiled folders, changed schedules, records of runs."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from floe_core.execution import BuildRequest, build
from floe_core.runs.build_events import BuildEnded
from floe_core.schemas import CompiledArtifacts

FLOE = Path(sys.executable).with_name("floe")
RECORDED = sorted((Path(__file__).parent / "recorded").glob("*.tar.xz"))


@pytest.fixture(params=RECORDED, ids=lambda path: path.name.removesuffix(".tar.xz"))
def product(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a folder that an older version compiled, changed a schedule of, and ran once."""
    with tarfile.open(request.param) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "hello"


def test_a_compiled_folder_runs_as_it_is(product: Path) -> None:
    before = (product / "compiled_artifacts.json").read_bytes()
    artifacts = CompiledArtifacts.load(product)
    [*_, end] = build(artifacts, BuildRequest("hello", "after-the-upgrade"))
    assert end == BuildEnded(True)
    assert (product / "compiled_artifacts.json").read_bytes() == before


@pytest.mark.parametrize(
    "load",
    [
        "from floe_orchestrator_dagster.loader import load_product_definitions as load;"
        "job = load('hello', sys.argv[1]).resolve_job_def('hello')",
        "from floe_orchestrator_airflow.loader import load_product_dag as load;"
        "job = load('hello', sys.argv[1])",
        "from floe_orchestrator_prefect.loader import load_product_flows as load;"
        "job = load('hello', sys.argv[1]).flows['hello']",
    ],
    ids=["dagster", "airflow", "prefect"],
)
def test_each_orchestrator_loads_it(load: str, product: Path) -> None:
    subprocess.run([sys.executable, "-c", f"import sys;{load};print(job)", product], check=True)


def test_its_changed_schedule_and_its_runs_are_known(product: Path) -> None:
    listed = subprocess.run(
        [FLOE, "schedule", "list", product, "--json"], check=True, capture_output=True, text=True
    )
    [schedule] = json.loads(listed.stdout)
    assert (schedule["job"], schedule["cron"]) == ("hello", "@hourly")
    found = subprocess.run(
        [FLOE, "doctor", product, "--json"], check=False, capture_output=True, text=True
    )
    problems = [
        each for each in json.loads(found.stdout)["findings"] if each["severity"] == "problem"
    ]
    assert problems == []
