#!/usr/bin/env python3
"""Keep a compiled folder and its stores as this version writes them; run at each release.

tests/e2e/test_upgrades.py runs each of them with the present version.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RECORDED = ROOT / "tests" / "e2e" / "recorded"
EXAMPLE = "hello"
# The orchestrator's own history, and what dbt writes beside its manifest.
LEFT_OUT = (
    "dagster",
    "logs",
    "*.duckdb",
    "*.msgpack",
    "graph*",
    "run",
    "compiled",
    "semantic_manifest.json",
)


def main() -> None:
    """Compile the example, change its schedule, run it, and keep what is there."""
    floe = Path(sys.executable).with_name("floe")
    version = subprocess.check_output([floe, "--version"], text=True).split()[1]
    with tempfile.TemporaryDirectory() as folder:
        examples = Path(folder, "examples")
        shutil.copytree(ROOT / "examples" / EXAMPLE, examples / EXAMPLE, symlinks=True)
        shutil.copy(ROOT / "examples" / "manifest.yaml", examples)
        product = examples / EXAMPLE
        call(floe, "compile", product)
        call(floe, "schedule", "set", product, "--cron", "@hourly")
        call(floe, "run", product)
        RECORDED.mkdir(exist_ok=True)
        with tarfile.open(RECORDED / f"{EXAMPLE}-{version}.tar.xz", "w:xz") as archive:
            archive.add(product, EXAMPLE, filter=_kept)
            archive.add(examples / "manifest.yaml", "manifest.yaml")


def call(*command: str | Path) -> None:
    """Run a command; raise if it fails."""
    subprocess.run(command, check=True)


def _kept(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    name = Path(entry.name)
    return None if any(name.match(pattern) for pattern in LEFT_OUT) else entry


if __name__ == "__main__":
    main()
