"""Whatever tells how to install floe names its distributions, and what it says can be installed."""

from __future__ import annotations

import re
import subprocess
import tomllib
from functools import cache
from importlib.metadata import Distribution
from pathlib import Path

import pytest
from built_wheels import ROOT, UV, VERSION, built_wheels, make_environment
from packaging.requirements import Requirement

pytestmark = pytest.mark.quick

# Names of version 0.1, two of which are another project's on PyPI.
OLD = re.compile(
    r"(?<![\w./-])floe-(?:core|orchestrator-\w+|ci|conformance|artifacts|console|dev|diff|import|"
    r"kubernetes|migrate|parity|partitions|tracing|warehouses)(?![\w/-]|\.yml|\.json|\.lock)"
)
# The folders of packages, and texts about the names themselves.
ABOUT_NAMES = {
    "CHANGELOG.md",
    "docs/install.md",
    "packages/floe-core/src/floe_orchestration/namesakes.py",
    "tests/e2e/test_install_texts.py",
    "tests/e2e/test_namesakes.py",
    "tests/e2e/test_index_with_namesakes.py",
}
WANTED = re.compile(r"floe-orchestration(?:-[a-z]+)?(?:\[[\w,-]+\])?(?:[=~]=[\w.]+)?")
INSTALLS = re.compile(r"(?:pip install|uv add|uv pip install|uv tool install)\b[^\n`]*")


@cache
def texts() -> dict[str, str]:
    """Return path -> text of the tracked files that people or programs install by."""
    listed = subprocess.run(
        ["git", "ls-files", "*.md", "*.py", "*.toml", "*.yml", "*.yaml", "*Dockerfile"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    return {name: (ROOT / name).read_text("utf-8") for name in listed if (ROOT / name).is_file()}


def test_no_text_names_a_distribution_that_is_not_ours() -> None:
    found = []
    for name, text in texts().items():
        for line in text.splitlines() if name not in ABOUT_NAMES else ():
            tells = INSTALLS.search(line) or "distribution" in line or "package `floe-" in line
            if tells and OLD.search(line):
                found.append(f"{name}: {line.strip()}")
    assert found == []


def test_what_the_texts_install_is_there(tmp_path: Path) -> None:
    wanted = {
        match.group()
        for name, text in texts().items()
        if name not in ABOUT_NAMES - {"docs/install.md"}
        for line in INSTALLS.findall(text.replace("{VERSION}", VERSION))
        for match in WANTED.finditer(line)
        if match.group() != "floe-orchestration-"
    }
    assert {"floe-orchestration[dagster,duckdb]", "floe-orchestration[console]"} <= wanted
    bin_folder = make_environment(tmp_path / "venv")
    into = ("--python", bin_folder / "python", "--no-index", "--find-links", built_wheels())
    subprocess.run([UV, "pip", "install", "--quiet", "--no-deps", *into, *wanted], check=True)
    [site] = (tmp_path / "venv").glob("lib/python*/site-packages")
    for each in map(Requirement, wanted):
        folder = next(site.glob(f"{each.name.replace('-', '_')}-{VERSION}.dist-info"))
        extras = set(Distribution.at(folder).metadata.get_all("Provides-Extra") or ())
        assert each.extras <= extras, each


def test_the_extras_of_the_page_are_those_of_the_distribution() -> None:
    page = (ROOT / "docs" / "install.md").read_text()
    rows = re.findall(r"^\| ((?:`[\w-]+`(?:, )?)+) \|", page, re.MULTILINE)
    shown = [name for row in rows for name in re.findall(r"`([\w-]+)`", row)]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert sorted(shown) == sorted(project["optional-dependencies"])


def test_everything_is_of_one_version_and_requires_no_other() -> None:
    projects = [ROOT / "pyproject.toml", *ROOT.glob("*/*/pyproject.toml")]
    assert len(projects) == 5
    for file in projects:
        project = tomllib.loads(file.read_text())["project"]
        more = project.get("optional-dependencies", {}).values()
        needed = map(
            Requirement, [*project["dependencies"], *(text for each in more for text in each)]
        )
        ours = {each.name: str(each.specifier) for each in needed if each.name.startswith("floe")}
        # The extra `all` is of the same distribution.
        ours.pop(project["name"], None)
        assert set(ours.values()) <= {f"=={VERSION}"}, file
    charts = [(file, file.read_text()) for file in ROOT.glob("charts/*/Chart.yaml")]
    assert [file for file, text in charts if f"\nversion: {VERSION}\n" not in text] == []
