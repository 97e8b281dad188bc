"""Make the environment of a cell and run the checks in it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from cells import NO_EXPERIMENTAL_PARSER, Cell

ROOT = Path(__file__).resolve().parents[2]
UV = ROOT / ".venv" / "bin" / "uv"
FOLDER = ROOT / ".matrix"
WHEELS = FOLDER / "wheels"
VERSION = (ROOT / "VERSION").read_text().strip()
LIMIT_SECONDS = 1800
# What the tests import beside the packages themselves.
TEST_TOOLS = (
    "pytest",
    "hypothesis",
    "psutil",
    "pytest-timeout",
    "jsonschema[format]",
    "pyyaml",
    "cronsim",
)
# What tests of one plugin import: an optional part of its orchestrator.
TEST_TOOLS_OF = {"airflow": ("apache-airflow-providers-openlineage",)}
SHOWN = ("dagster", "apache-airflow", "prefect", "dbt-core", "dbt-duckdb", "duckdb", "sqlalchemy")
LOADING = {
    "dagster": ("unit/test_product_definitions.py", "integration/test_loader.py"),
    "airflow": ("unit/test_job_dag.py", "unit/test_internals.py", "unit/test_timetable.py"),
    "prefect": ("unit/test_product_flows.py", "integration/test_served_product.py"),
}


class Outcome:
    """What a cell came to: check -> a word or a short reason, and the versions it ran with."""

    def __init__(self) -> None:
        self.checks: dict[str, str] = {}
        self.versions: dict[str, str] = {}


def build_wheels() -> None:
    """Build what the cells install: a change in the tree during a run changes no cell."""
    shutil.rmtree(WHEELS, ignore_errors=True)
    build = (UV, "build", "--all-packages", "--wheel", "--quiet", "--out-dir", WHEELS)
    subprocess.run(build, cwd=ROOT, check=True)


def run_cell(cell: Cell) -> Outcome:
    """Run a cell from nothing and remove its environment; a failing check does not end it."""
    folder = FOLDER / cell.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    outcome = Outcome()
    problem = make_environment(cell, folder)
    if problem:
        outcome.checks["install"] = problem
    else:
        outcome.checks["install"] = "pass"
        outcome.versions = versions_in(folder)
        plugin = f"plugins/floe-orchestrator-{cell.orchestrator}/tests"
        outcome.checks["loading"] = run_tests(
            folder, "loading", *(f"{plugin}/{name}" for name in LOADING[cell.orchestrator])
        )
        outcome.checks["kit"] = run_tests(folder, "kit", f"{plugin}/conformance")
        outcome.checks["parity"] = run_parity(cell, folder)
    shutil.rmtree(folder / "venv", ignore_errors=True)
    return outcome


def make_environment(cell: Cell, folder: Path) -> str:
    """Install the cell's packages; return why that is not possible, or ""."""
    made = logged(folder, "venv", UV, "venv", "--quiet", "--python", cell.python, folder / "venv")
    if made != 0:
        return f"no Python {cell.python} on this machine"
    overrides = folder / "overrides.txt"
    lines = (NO_EXPERIMENTAL_PARSER, *cell.overrides)
    overrides.write_text("".join(f"{line}\n" for line in lines))
    packages = (
        f"floe-orchestration[all,{cell.orchestrator},conformance]=={VERSION}",
        # Named with its version, so that no index can offer another.
        f"floe-orchestration-{cell.orchestrator}=={VERSION}",
        f"floe-orchestration-conformance=={VERSION}",
    )
    tools = (*TEST_TOOLS, *TEST_TOOLS_OF.get(cell.orchestrator, ()))
    into = ("--python", folder / "venv/bin/python", "--override", overrides)
    install = (UV, "pip", "install", "--quiet", "--find-links", WHEELS, *into)
    done = logged(folder, "install", *install, *packages, *tools)
    return "" if done == 0 else "cannot be installed"


def versions_in(folder: Path) -> dict[str, str]:
    """Return name -> version of what the table shows, Python first."""
    python = folder / "venv/bin/python"
    listing = (UV, "pip", "list", "--quiet", "--format", "json", "--python", python)
    listed = json.loads(subprocess.run(listing, check=True, stdout=subprocess.PIPE).stdout)
    installed = {entry["name"]: entry["version"] for entry in listed}
    said = subprocess.run([python, "--version"], check=True, stdout=subprocess.PIPE, text=True)
    versions = {"Python": said.stdout.split()[1]}
    return versions | {name: installed[name] for name in SHOWN if name in installed}


def run_tests(folder: Path, check: str, *paths: str) -> str:
    """Run tests of the repository in the cell; return "pass" or how many failed."""
    log = folder / f"{check}.log"
    pytest = (folder / "venv/bin/pytest", "-p", "no:cacheprovider", "--color=no", *paths)
    if logged(folder, check, *pytest) == 0:
        return "pass"
    counts = re.findall(r"^(\d+ (?:failed|error|passed).*) in ", log.read_text(), re.MULTILINE)
    return counts[-1] if counts else f"did not end, see {log.relative_to(ROOT)}"


def run_parity(cell: Cell, folder: Path) -> str:
    """Compare examples/hello on plain dbt and on the orchestrator; return "pass" or "differs"."""
    shutil.copytree(
        ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns(".floe", "target")
    )
    manifest = folder / "examples/manifest.yaml"
    # Compiling for plain dbt also loads the plugin that the manifest names.
    manifest.write_text(manifest.read_text().replace("type: dagster", f"type: {cell.orchestrator}"))
    sides = ("--on", "dbt", "--on", cell.orchestrator)
    floe = (folder / "venv/bin/floe", "parity", folder / "examples/hello", *sides)
    return "pass" if logged(folder, "parity", *floe) == 0 else "differs or fails"


def logged(folder: Path, name: str, *command: object) -> int:
    """Run a command with its output in a log of the cell; return its exit code, 124 if too long."""
    environment = {
        **os.environ,
        "PATH": f"{folder / 'venv/bin'}:{os.environ['PATH']}",
        "AIRFLOW_HOME": str(folder / "airflow"),
    }
    with (folder / f"{name}.log").open("w") as log:
        try:
            return subprocess.run(
                [str(part) for part in command],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=LIMIT_SECONDS,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            return 124
