"""Public dbt projects, fetched from the package index at test time; nothing of them is kept here."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

# Source distribution -> the dbt project that its own tests carry.
PROJECTS = {
    "jaffle": ("sqlmesh==0.236.4", "tests/fixtures/dbt/jaffle_shop_duckdb"),
    "osmosis": ("dbt-osmosis==1.5.0", "demo_duckdb"),
}
FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: NAME, version: 1.0.0}
platform: {manifest: manifest.yaml}
"""
MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: dagster}
  compute: {type: duckdb}
"""


class NotFetchedError(Exception):
    """The package index is not to be reached."""


def fetch_project(name: str, folder: Path) -> Path:
    """Return a copy of the project as a product, made below `folder`.

    Raises:
        NotFetchedError: With what pip said.
    """
    requirement, inside = PROJECTS[name]
    sources = folder / "sdist"
    command = ["download", "--quiet", "--no-deps", "--no-binary", ":all:", "-d", str(sources)]
    done = subprocess.run(
        [sys.executable, "-m", "pip", *command, requirement],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NotFetchedError(done.stderr[-500:])
    (archive,) = sources.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(sources, filter="data")
    (project,) = sources.glob(f"*/{inside}")
    product = folder / name
    shutil.copytree(project, product)
    (product / "floe.yaml").write_text(FLOE.replace("NAME", name))
    (product / "manifest.yaml").write_text(MANIFEST)
    return product
