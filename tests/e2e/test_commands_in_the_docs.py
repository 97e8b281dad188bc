"""Every command in README and docs does what it says there.

`floe` is the program in one page, and elsewhere a fork of a process with its imports behind it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from warm_floe import folder_of_floe

ROOT = Path(__file__).parents[2]
# What test_install_page.py runs, in environments of its own, is left out.
PAGES = [
    "README.md",
    *(f"docs/{path.name}" for path in sorted(ROOT.glob("docs/*.md")) if path.name != "install.md"),
]
PROGRAM_ITSELF = "docs/doctor.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(page: str) -> Iterator[str]:
    """Yield the lines of a page's shell blocks."""
    for block in BLOCK.findall((ROOT / page).read_text()):
        yield from (line for line in block.splitlines() if line.strip())


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_succeed(page: str, tmp_path: Path) -> None:
    shutil.copytree(
        ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns(".floe")
    )
    folders = [] if page == PROGRAM_ITSELF else [folder_of_floe()]
    path = ":".join(map(str, [*folders, Path(sys.executable).parent, os.environ["PATH"]]))
    for command in commands(page):
        if command.startswith("make "):
            # Running the tests from a test has no end: make says what it would do.
            command, folder = f"make -n {command.split()[1]}", ROOT
        else:
            folder = tmp_path
        done = subprocess.run(
            ["bash", "-ec", command],
            cwd=folder,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
