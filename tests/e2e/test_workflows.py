"""What GitHub runs for this repository exists: targets of make, lock files and images."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

pytestmark = pytest.mark.quick

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FILES = {"uv": "uv.lock", "docker": "Dockerfile", "github-actions": ".github/workflows"}


def load(file: Path) -> Any:
    # As YAML 1.2 has it, `on` is a text.
    return YAML(typ="safe", pure=True).load(file.read_text())


def steps(file: Path) -> list[dict[str, Any]]:
    return [step for job in load(file)["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_workflow_runs_what_is_there(file: Path) -> None:
    commands = [step["run"] for step in steps(file) if "run" in step]
    assert commands
    for command in commands:
        if command.startswith("make "):
            done = subprocess.run(["make", "-n", command.split()[1]], cwd=ROOT, check=False)
            assert done.returncode == 0, command
        elif command.startswith("bash "):
            assert (ROOT / command.split()[1]).exists(), command
        else:
            assert subprocess.run(["bash", "-nc", command], check=False).returncode == 0, command


def test_every_action_is_pinned_by_hash_and_to_one_version() -> None:
    used = {step["uses"] for file in WORKFLOWS for step in steps(file) if "uses" in step}
    assert [each for each in used if not re.search(r"@[0-9a-f]{40}$", each)] == []
    assert len(used) == len({each.partition("@")[0] for each in used}) > 2


def test_only_the_job_that_publishes_may_ask_pypi_for_a_token() -> None:
    jobs = load(ROOT / ".github/workflows/release.yml")["jobs"]
    assert jobs["publish"]["environment"]["name"] == "pypi"
    assert [
        step["uses"].partition("@")[0] for step in jobs["publish"]["steps"] if "uses" in step
    ] == [
        "actions/download-artifact",
        "pypa/gh-action-pypi-publish",
    ]
    assert "run" not in jobs["publish"]["steps"][-1]


def test_the_matrix_runs_each_week() -> None:
    [schedule] = load(ROOT / ".github/workflows/matrix.yml")["on"]["schedule"]
    assert re.fullmatch(r"\d+ \d+ \* \* [0-6]", schedule["cron"])


def test_dependabot_finds_what_it_updates() -> None:
    updates = load(ROOT / ".github/dependabot.yml")["updates"]
    assert {each["package-ecosystem"] for each in updates} == FILES.keys()
    for each in updates:
        for folder in each.get("directories", [each.get("directory")]):
            assert (ROOT / folder.strip("/") / FILES[each["package-ecosystem"]]).exists()


def test_each_version_that_a_plugin_declares_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts" / "matrix"))
    from cells import all_cells

    sys.modules.pop("cells")
    page = (ROOT / "docs" / "versions.md").read_text()
    passing = re.findall(r"^\| `(\S+)` \|.*\| pass \| pass \| pass \|", page, re.MULTILINE)
    assert passing == [cell.name for cell in all_cells() if cell.is_declared]
