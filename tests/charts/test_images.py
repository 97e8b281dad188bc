"""The images: checked by hadolint, pinned, and run as somebody who is not root."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from helm_engine import ROOT

DOCKERFILES = sorted((ROOT / "charts" / "images").rglob("*Dockerfile"))
each_dockerfile = pytest.mark.parametrize(
    "dockerfile", DOCKERFILES, ids=lambda path: f"{path.parent.name}-{path.name}"
)


@each_dockerfile
def test_hadolint_has_nothing_to_say(dockerfile: Path) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, dockerfile], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@each_dockerfile
def test_what_it_builds_on_is_pinned_and_it_does_not_run_as_root(dockerfile: Path) -> None:
    text = dockerfile.read_text()
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert [base for base in bases if not re.search(r":\d+\.\d+\.\d+|@sha256:", base)] == []
    last_user = re.findall(r"^USER (\S+)", text, re.MULTILINE)[-1]
    assert int(last_user.partition(":")[0]) >= 1000


@each_dockerfile
def test_products_are_copied_to_where_the_charts_look_for_them(dockerfile: Path) -> None:
    assert re.search(r"^COPY \S+ /opt/floe/products/", dockerfile.read_text(), re.MULTILINE)
