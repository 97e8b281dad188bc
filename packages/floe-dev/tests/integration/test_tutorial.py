"""The tutorial's beginning, word for word."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from dev_session import FLOE, MODEL, dev_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
PAGE = (Path(__file__).parents[4] / "docs/tutorial.md").read_text("utf-8")
BLOCK = re.compile(r"^```(?:sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def call(command: str, folder: Path) -> str:
    environment = {**os.environ, "PATH": f"{FLOE.parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-ec", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_first_commands(tmp_path: Path) -> None:
    create, start, use = BLOCK.findall(PAGE)[:3]
    call(create, tmp_path)
    assert start == "floe dev my-shop\n"
    with dev_of(tmp_path / "my-shop") as dev:
        seen = dev.await_line("pages, with the product")
        assert dev.pages in call(use, tmp_path)
        model = tmp_path / "my-shop" / MODEL
        model.write_text(model.read_text().replace("1", "2"))
        dev.await_line(f"{MODEL}: compiled", seen)
        assert "success" in call("floe run my-shop", tmp_path)
