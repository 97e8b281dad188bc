#!/usr/bin/env python3
"""Build the distributions twice, check them, and try each in an empty environment.

Run by `make release`, or with the names of orchestrators for those alone. Nothing is uploaded:
`dist/` holds what to upload, the hashes to install it by, and what it consists of.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
UV = ROOT / ".venv" / "bin" / "uv"
NAME = "floe-orchestration"
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
    """Build each wheel from its sdist, check what PyPI would, and write hashes and the SBOM."""
    shutil.rmtree(DIST, ignore_errors=True)
    build(ROOT, DIST)
    files = sorted(path for path in DIST.iterdir() if path.suffix in (".whl", ".gz"))
    check_that_a_copy_builds_the_same(files)
    stray = [path.name for path in files if f"-{version()}" not in path.name]
    if stray:
        raise SystemExit(f"not of version {version()}: {', '.join(stray)}")
    for wheel in DIST.glob("*.whl"):
        if not any(name.endswith("licenses/LICENSE") for name in zipfile.ZipFile(wheel).namelist()):
            raise SystemExit(f"{wheel.name} has no license")
    run(UV, "tool", "run", "--quiet", "twine", "check", "--strict", *files)
    write_hashes(files)
    write_sbom()


def version() -> str:
    """Return the version of all distributions."""
    return (ROOT / "VERSION").read_text().strip()


def build(source: Path, out: Path) -> None:
    """Build all distributions of a checkout, with the time of its last commit in the archives."""
    seconds = output_of("git", "-C", ROOT, "log", "-1", "--format=%ct").strip()
    os.environ["SOURCE_DATE_EPOCH"] = seconds
    run(UV, "build", "--all-packages", "--directory", source, "--out-dir", out, "--quiet")


def check_that_a_copy_builds_the_same(files: list[Path]) -> None:
    """Exit if a copy of the tracked files, in another folder and newer, builds other bytes."""
    tracked = output_of(
        "git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"
    )
    with tempfile.TemporaryDirectory(prefix="floe-copy-") as folder:
        for name in filter(None, tracked.split("\0")):
            source, target = ROOT / name, Path(folder, "source", name)
            if source.is_symlink() or source.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target, follow_symlinks=False)
        out = Path(folder, "dist")
        build(Path(folder, "source"), out)
        for file in files:
            if file.read_bytes() != (out / file.name).read_bytes():
                raise SystemExit(f"{file.name} is not the same bytes when it is built again")


def write_hashes(files: list[Path]) -> None:
    """Write `SHA256SUMS`, as `sha256sum` prints and checks it."""
    lines = (f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files)
    (DIST / "SHA256SUMS").write_text("".join(lines))


def write_sbom() -> None:
    """Write a bill of materials: what the lock has for each extra, in CycloneDX's form."""
    options = (
        "--frozen",
        "--quiet",
        "--no-dev",
        "--all-extras",
        "--preview-features",
        "sbom-export",
    )
    found = json.loads(output_of(UV, "export", *options, "--format", "cyclonedx1.5"))
    # The same lock gives the same bytes.
    del found["serialNumber"], found["metadata"]["timestamp"]
    found["metadata"]["component"]["version"] = version()
    place = DIST / f"{NAME}-{version()}.cdx.json"
    place.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")


def try_plugin(orchestrator: str, folder: Path) -> None:
    """Install one plugin with pip, create a product with it, and run the product."""
    bin_folder = install(folder, f"{orchestrator},duckdb")
    installed = versions_in(bin_folder)
    check_nothing_holds_back(orchestrator, bin_folder)
    run(bin_folder / "floe", "init", folder / "shop", "--on", orchestrator)
    run(bin_folder / "floe", "run", folder / "shop")
    shown = (ORCHESTRATORS[orchestrator], "dbt-core", "sqlalchemy")
    print(
        f"{NAME}[{orchestrator}]: installed and run, with",
        ", ".join(f"{name} {installed[name]}" for name in shown),
        flush=True,
    )


def try_conformance_kit(folder: Path) -> None:
    """Install the conformance kit with pip; pytest must load its plugin."""
    bin_folder = install(folder, "conformance")
    run(bin_folder / "python", "-c", "from floe_conformance import OrchestratorConformance")
    run(bin_folder / "pytest", "-p", "floe-conformance", "--version", "--version")


def install(folder: Path, extras: str) -> Path:
    """Install floe with extras in an empty environment; return its folder of commands."""
    venv.create(folder / "venv", with_pip=True)
    bin_folder = folder / "venv" / "bin"
    options = ("--quiet", "--find-links", DIST, *limit_dbt(bin_folder, folder))
    run(bin_folder / "pip", "install", *options, f"{NAME}[{extras}]=={version()}")
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
        if not requirement.startswith(NAME)
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
