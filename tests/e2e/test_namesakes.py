"""Another project has distributions of its own with floe's import names: told, and told apart."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from built_wheels import UV, VERSION, built_wheels, make_environment

from floe_orchestration.namesakes import NamesakeError, refuse_namesakes

# On the package index, and of another project.
THEIRS = ("floe-core==0.1.0a1", "floe-orchestrator-dagster==0.1.0a1")
OURS = (f"floe-orchestration=={VERSION}", f"floe-orchestration-dagster=={VERSION}")
TOLD = f"""\
another project has installed packages with the names of floe's:
  floe_core: floe-core 0.1.0a1
  floe_orchestrator_dagster: floe-orchestrator-dagster 0.1.0a1
floe is {", ".join(OURS)}. An environment can hold only one of the two projects.
fix: """


@pytest.fixture(scope="module")
def their_wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("theirs")
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder)
    if subprocess.run([*pip, *THEIRS], check=False).returncode:
        pytest.skip("the package index does not have the other project's distributions")
    return folder


class Environment:
    """An environment in which pip or uv installs."""

    def __init__(self, folder: Path, installer: str) -> None:
        self.bin = make_environment(folder)
        self._installer = installer

    def install(self, wheels: Path, *distributions: str) -> None:
        words = ["install", "--quiet", "--no-deps", "--find-links", str(wheels), *distributions]
        self.run(f"{self._installer} {' '.join(words)}")

    def run(self, line: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a line of a shell in the environment."""
        path = f"{self.bin}:{UV.parent}:{os.environ['PATH']}"
        place = {"PATH": path, "VIRTUAL_ENV": str(self.bin.parent), **variables}
        return subprocess.run(
            ["bash", "-c", line],
            env={**os.environ, **place},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.mark.parametrize("installer", ["pip", "uv pip"])
@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_a_namesake_is_named_and_the_fix_removes_it(
    installer: str, first: str, their_wheels: Path, tmp_path: Path
) -> None:
    environment = Environment(tmp_path / "venv", installer)
    [wheel] = built_wheels().glob("floe_orchestration-*.whl")
    # What ours depend on, first: the rest of the test is about files of the two.
    needed = f"uv pip install --quiet {wheel} && uv pip uninstall --quiet floe-orchestration"
    assert environment.run(needed).returncode == 0
    order = [(built_wheels(), OURS), (their_wheels, THEIRS)]
    for wheels, names in order if first == "ours" else reversed(order):
        environment.install(wheels, *names)

    # The last one to be installed has the script `floe`; the other name is always ours.
    commands = ["floe-orchestration plugins", "python -m floe_orchestration doctor --json"]
    commands += ["floe run"] if first == "theirs" else []
    for command in commands:
        done = environment.run(command)
        assert (done.returncode, done.stderr.startswith(TOLD)) == (3, True), done.stderr
    _, _, fix = done.stderr.partition("fix: ")
    find = {"UV_FIND_LINKS": str(built_wheels()), "PIP_FIND_LINKS": str(built_wheels())}
    for line in fix.splitlines():
        assert environment.run(line, **find).returncode == 0, line
    done = environment.run("floe --version")
    assert (done.returncode, done.stdout) == (0, f"floe {VERSION}\n"), done.stderr


def test_importing_floe_in_an_orchestrator_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "floe_core-9.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: floe-core\nVersion: 9.0\n")
    (info / "RECORD").write_text("floe_core/__init__.py,,\nfloe_core-9.0.dist-info/METADATA,,\n")
    for package in ("floe_core", "floe_orchestrator_airflow", "floe_orchestrator_prefect"):
        command = [sys.executable, "-c", f"import {package}"]
        done = subprocess.run(
            command,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert "NamesakeError: another project has installed packages" in done.stderr
        assert "  floe_core: floe-core 9.0\n" in done.stderr


def test_a_distribution_with_packages_of_its_own_is_no_namesake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "floe_iceberg-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: floe-iceberg\nVersion: 1.0\n")
    (info / "RECORD").write_text("floe_iceberg/__init__.py,,\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    refuse_namesakes.__wrapped__()
    (info / "RECORD").write_text("floe_iceberg/__init__.py,,\nfloe_core/iceberg.py,,\n")
    with pytest.raises(NamesakeError, match=r"floe_core: floe-iceberg 1\.0"):
        refuse_namesakes.__wrapped__()
