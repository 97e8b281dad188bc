"""A copy of an example that has not run."""

from __future__ import annotations

import shutil
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"
MADE_BY_RUNS = shutil.ignore_patterns(".floe", "*.duckdb*", "target")


def copied_example(name: str, folder: Path) -> Path:
    """Copy an example, and the manifest that the examples share, into a new folder."""
    folder.mkdir()
    shutil.copytree(EXAMPLES / name, folder / name, ignore=MADE_BY_RUNS)
    shutil.copy(EXAMPLES / "manifest.yaml", folder)
    return folder / name
