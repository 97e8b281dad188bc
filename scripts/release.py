#!/usr/bin/env python3
"""Build the distributions, check them, and try each in an empty environment.

Run by `make release`. Nothing is uploaded: `dist/` holds what to upload.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
UV = ROOT / ".venv" / "bin" / "uv"
ORCHESTRATORS = ("dagster", "airflow", "prefect")


def main() -> None:
    """Build, check, install and run; the first command that fails ends it."""
    shutil.rmtree(DIST, ignore_errors=True)
    run(UV, "build", "--all-packages", "--out-dir", DIST, "--quiet")
    files = sorted(str(path) for path in DIST.iterdir() if path.suffix in (".whl", ".gz"))
    run(UV, "tool", "run", "--quiet", "twine", "check", "--strict", *files)
    for orchestrator in sys.argv[1:] or ORCHESTRATORS:
        try_in_empty_environment(orchestrator)


def try_in_empty_environment(orchestrator: str) -> None:
    """Install one plugin with pip, begin a product with it and run that."""
    with tempfile.TemporaryDirectory(prefix="floe-release-") as folder:
        environment, product = Path(folder, "venv"), Path(folder, "shop")
        venv.create(environment, with_pip=True)
        pip = environment / "bin" / "pip"
        wanted = (f"floe-orchestrator-{orchestrator}", "floe-core[duckdb]")
        run(pip, "install", "--quiet", "--find-links", DIST, *wanted)
        floe = environment / "bin" / "floe"
        run(floe, "init", product, "--on", orchestrator)
        run(floe, "run", product)
        print(f"floe-orchestrator-{orchestrator}: installed and run", flush=True)


def run(*command: object) -> None:
    """Run a command; raise if it fails."""
    subprocess.run([str(part) for part in command], check=True)


if __name__ == "__main__":
    main()
