"""The built packages in an environment without dbt-core: a dbt 2 is all that a product needs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from second_dbt import install_dbt_two, install_duckdb_driver

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
OURS = ("floe-orchestration", "floe-orchestration-dagster")


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the programs of an environment with floe's wheels and Dagster are."""
    folder = tmp_path_factory.mktemp("without-dbt")
    for name in OURS:
        build = (UV, "build", "--quiet", "--wheel", "--package", name, "--out-dir", folder / "dist")
        subprocess.run(build, check=True, cwd=ROOT)
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, folder / "own"], check=True)
    into = ("--python", folder / "own/bin/python", "--find-links", folder / "dist")
    subprocess.run([UV, "pip", "install", "--quiet", *into, *OURS], check=True)
    return folder / "own/bin"


@pytest.fixture
def product(tmp_path: Path) -> Path:
    """Return a copy of examples/customer-360."""
    ignored = shutil.ignore_patterns(".floe", "target", "*.duckdb")
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=ignored)
    return tmp_path / "examples" / "customer-360"


def call(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_nothing_of_dbt_1_is_installed(programs: Path) -> None:
    listed = call(UV, "pip", "list", "--python", programs / "python", "--format", "json").stdout
    names = {each["name"] for each in json.loads(listed)}
    assert set(OURS) <= names
    assert {name for name in names if name.startswith("dbt")} == set()


@pytest.mark.parametrize("command", ["compile", "run", "parity"])
def test_without_any_dbt_both_ways_to_get_one_are_named(
    command: str, programs: Path, product: Path
) -> None:
    done = call(programs / "floe", command, product)
    assert done.returncode == 3
    assert "pip install 'floe-orchestration[duckdb]'" in done.stderr
    assert command == "parity" or "`execution.dbtExecutable` of floe.yaml" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_example_compiles_and_runs_with_dbt_2_alone(
    programs: Path, product: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    dbt = install_dbt_two(tmp_path_factory.mktemp("dbt-two"))
    driver = install_duckdb_driver(tmp_path_factory.mktemp("adbc"))
    spec = product / "floe.yaml"
    named = f"execution: {{reuse: unchanged, dbtExecutable: {dbt}, "
    spec.write_text(spec.read_text().replace("execution: {", named))
    environment = {**os.environ, "ADBC_DRIVER_PATH": str(driver)}
    shown = {}
    for command in ("compile", "run", "doctor"):
        done = subprocess.run(
            [programs / "floe", command, product, "--json"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
        shown[command] = json.loads(done.stdout)
    assert shown["run"]["status"] == "success"
    assert len(shown["run"]["nodes"]) == 26
    assert set(shown["run"]["nodes"].values()) == {"success", "pass"}
    of_warehouse = [each for each in shown["doctor"]["findings"] if each["subject"] == "warehouse"]
    assert [(each["severity"], each["fix"][:21]) for each in of_warehouse] == [
        ("warning", "install dbt-core 1.x ")
    ]
    # The same with plain dbt 2, in the folder that floe compiled.
    folders = ("--project-dir", product, "--profiles-dir", product, "--target-path", product / "p")
    subprocess.run([dbt, "build", *folders], env=environment, cwd=product, check=True)
    results = json.loads((product / "p" / "run_results.json").read_text())["results"]
    # dbt 2 lists what it does not run: the exposure, and the ephemeral model.
    plain = {e["unique_id"]: e["status"] for e in results if e["status"] != "no-op"}
    assert plain.pop("model.customer_360.int_order_amounts") == "skipped"
    assert shown["run"]["nodes"] == plain
