"""docs/install.md: its commands install floe beside an orchestrator, and leave that as it was."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
PAGE = (ROOT / "docs" / "install.md").read_text()
REPOSITORY, WHEELS, EXISTING = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
ORCHESTRATORS = {"dagster": "dagster", "airflow": "apache-airflow", "prefect": "prefect"}
# Tries every package, which takes long; scripts/release.py builds them like this.
RELEASE, BUILD = "make -C floe release", f"{UV} build --quiet --all-packages --out-dir dist floe"


class Environment:
    """An environment with an orchestrator at the version of uv.lock, before floe is installed."""

    def __init__(self, orchestrator: str, folder: Path) -> None:
        self._folder = folder
        self._orchestrator = orchestrator
        self._locked = folder / "locked.txt"
        self._locked.write_text(_run([UV, *_EXPORT, "--only-group", orchestrator], ROOT))
        _run([UV, "venv", "--quiet", "--seed", "--python", sys.executable, "venv"], folder)
        into = ("--python", "venv/bin/python", "--constraint", self._locked)
        _run([UV, "pip", "install", "--quiet", *into, ORCHESTRATORS[orchestrator]], folder)

    def run(self, block: str) -> str:
        """Run a block of the page for this environment's orchestrator."""
        script = block.replace("orchestrator-dagster", f"orchestrator-{self._orchestrator}")
        return _run(
            ["bash", "-euc", script],
            self._folder,
            PATH=f"{self._folder / 'venv/bin'}:{os.environ['PATH']}",
            FLOE_REPOSITORY=ROOT.as_uri(),
            # What is new is as in the lock, too, so that a release of others breaks no test.
            PIP_CONSTRAINT=str(self._locked),
            AIRFLOW_HOME=str(self._folder / "airflow"),
        )

    def installed(self) -> set[str]:
        return set(_run(["venv/bin/pip", "freeze"], self._folder).splitlines())


_EXPORT = ("export", "--frozen", "--quiet", "--no-hashes", "--no-annotate", "--no-header")
_EXPORT += ("--no-emit-workspace",)


def _run(command: list[object] | list[str], folder: Path, **variables: str) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("orchestrator", ORCHESTRATORS)
def test_floe_is_installed_beside_an_orchestrator(orchestrator: str, tmp_path: Path) -> None:
    environment = Environment(orchestrator, tmp_path)
    before = environment.installed()
    assert RELEASE in WHEELS
    clone, build, _ = WHEELS.replace(RELEASE, BUILD).splitlines()
    environment.run(f"{clone}\n{build}\nmv dist floe")
    environment.run(EXISTING)
    after = environment.installed()
    assert before - after == set()
    names = {re.split(" |==", line)[0] for line in after - before}
    assert {"floe-core", "dbt-duckdb", f"floe-orchestrator-{orchestrator}"} <= names
    shutil.copytree(ROOT / "examples" / "hello", tmp_path / "examples" / "hello")
    shutil.copy(ROOT / "examples" / "manifest.yaml", tmp_path / "examples")
    environment.run(f"floe compile examples/hello --on {orchestrator}")


def test_floe_is_installed_from_wheels_and_from_the_repository(tmp_path: Path) -> None:
    environment = Environment("dagster", tmp_path)
    environment.run(WHEELS.replace(RELEASE, f"{BUILD} && mv dist floe"))
    _run(["venv/bin/pip", "uninstall", "--yes", "floe-core"], tmp_path)
    assert "dagster" in environment.run(REPOSITORY)
    assert any("floe-core @ git+file" in line for line in environment.installed())


def test_the_project_of_uv_names_folders_that_are_there(tmp_path: Path) -> None:
    [text] = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "pyproject.toml").write_text(text.replace("FLOE_REPOSITORY", ROOT.as_uri()))
    compiled = _run([UV, "pip", "compile", "--quiet", "--no-deps", "pyproject.toml"], tmp_path)
    names = {line.split(" ")[0] for line in compiled.splitlines() if line.startswith("floe")}
    assert names == set(tomllib.loads(text)["tool"]["uv"]["sources"])
