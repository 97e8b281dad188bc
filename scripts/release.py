#!/usr/bin/env python3
"""Build the distributions, check them, and try each in an empty environment.

Run by `make release`, or with the names of orchestrators for those alone. Nothing is uploaded:
`dist/` holds what to upload.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
UV = ROOT / ".venv" / "bin" / "uv"
ORCHESTRATORS = {"dagster": "dagster", "airflow": "apache-airflow", "prefect": "prefect"}


def main() -> None:
    """Build, check, install and run; the first command that fails ends it."""
    build_distributions()
    for orchestrator in sys.argv[1:] or ORCHESTRATORS:
        with tempfile.TemporaryDirectory(prefix="floe-release-") as folder:
            try_plugin(orchestrator, Path(folder))
    with tempfile.TemporaryDirectory(prefix="floe-release-") as folder:
        try_conformance_kit(Path(folder))


def build_distributions() -> None:
    """Build each wheel from its sdist, all of one version, and check what PyPI would."""
    shutil.rmtree(DIST, ignore_errors=True)
    run(UV, "build", "--all-packages", "--out-dir", DIST, "--quiet")
    files = sorted(path for path in DIST.iterdir() if path.suffix in (".whl", ".gz"))
    version = (ROOT / "VERSION").read_text().strip()
    stray = [path.name for path in files if f"-{version}" not in path.name]
    if stray:
        raise SystemExit(f"not of version {version}: {', '.join(stray)}")
    run(UV, "tool", "run", "--quiet", "twine", "check", "--strict", *files)


def try_plugin(orchestrator: str, folder: Path) -> None:
    """Install one plugin with pip, create a product with it, and run the product."""
    bin_folder = install(folder, f"floe-orchestrator-{orchestrator}", "floe-core[duckdb]")
    installed = versions_in(bin_folder)
    check_nothing_holds_back(orchestrator, bin_folder)
    run(bin_folder / "floe", "init", folder / "shop", "--on", orchestrator)
    run(bin_folder / "floe", "run", folder / "shop")
    shown = (ORCHESTRATORS[orchestrator], "dbt-core", "sqlalchemy")
    print(
        f"floe-orchestrator-{orchestrator}: installed and run, with",
        ", ".join(f"{name} {installed[name]}" for name in shown),
        flush=True,
    )


def try_conformance_kit(folder: Path) -> None:
    """Install the conformance kit with pip; pytest must load its plugin."""
    bin_folder = install(folder, "floe-conformance")
    run(bin_folder / "python", "-c", "from floe_conformance import OrchestratorConformance")
    run(bin_folder / "pytest", "-p", "floe-conformance", "--version", "--version")


def install(folder: Path, *distributions: str) -> Path:
    """Install distributions in an empty environment; return its folder of commands."""
    venv.create(folder / "venv", with_pip=True)
    bin_folder = folder / "venv" / "bin"
    options = ("--quiet", "--find-links", DIST, *limit_dbt(bin_folder, folder))
    run(bin_folder / "pip", "install", *options, *distributions)
    run(bin_folder / "pip", "check")
    return bin_folder


def limit_dbt(bin_folder: Path, folder: Path) -> tuple[object, ...]:
    """Return options of pip that keep to dbt 1.11, where a part of dbt-core 1.12 can't be had.

    dbt-core 1.12 depends on a parser whose wheels are downloaded from elsewhere than the index.
    """
    wanted = ("--quiet", "--no-deps", "--wheel-dir", str(folder), "dbt-core-experimental-parser")
    if subprocess.run([bin_folder / "pip", "wheel", *wanted], check=False).returncode == 0:
        return ()
    print("dbt-core 1.12 can't be installed here: tried with dbt-core 1.11", flush=True)
    constraints = folder / "constraints.txt"
    constraints.write_text("dbt-core<1.12\n")
    return ("--constraint", constraints)


def check_nothing_holds_back(orchestrator: str, bin_folder: Path) -> None:
    """Exit if the orchestrator, or its SQLAlchemy, is older than it would be without floe."""
    project = ROOT / "plugins" / f"floe-orchestrator-{orchestrator}" / "pyproject.toml"
    wanted = [
        requirement
        for requirement in tomllib.loads(project.read_text())["project"]["dependencies"]
        if not requirement.startswith("floe-core")
    ]
    options = ("--dry-run", "--quiet", "--ignore-installed", "--report", "-")
    report = json.loads(output_of(bin_folder / "pip", "install", *options, *wanted))
    best = {entry["metadata"]["name"].lower(): entry["metadata"] for entry in report["install"]}
    installed = versions_in(bin_folder)
    for name in (ORCHESTRATORS[orchestrator], "sqlalchemy"):
        if installed[name] != best[name]["version"]:
            raise SystemExit(f"{name} is held at {installed[name]}, not {best[name]['version']}")


def versions_in(bin_folder: Path) -> dict[str, str]:
    """Return the lower-case names of what is installed, with versions."""
    listed = json.loads(output_of(bin_folder / "pip", "list", "--format", "json"))
    return {entry["name"].lower(): entry["version"] for entry in listed}


def output_of(*command: object) -> str:
    """Run a command and return what it prints to stdout; raise if it fails."""
    words = [str(part) for part in command]
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout


def run(*command: object) -> None:
    """Run a command; raise if it fails."""
    subprocess.run([str(part) for part in command], check=True)


if __name__ == "__main__":
    main()
