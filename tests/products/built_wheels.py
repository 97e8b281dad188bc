"""The wheels of floe's distributions, built once for all tests of a process."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
VERSION = (ROOT / "VERSION").read_text().strip()


@cache
def built_wheels() -> Path:
    """Return a folder that holds a wheel of each distribution; gone when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="floe-wheels-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    build = (UV, "build", "--quiet", "--all-packages", "--wheel", "--out-dir", folder)
    subprocess.run(build, check=True, cwd=ROOT)
    return folder


def make_environment(folder: Path, python: str | Path = sys.executable) -> Path:
    """Make an empty environment with pip; return its folder of commands."""
    subprocess.run([UV, "venv", "--quiet", "--seed", "--python", python, folder], check=True)
    return folder / "bin"
