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
from built_wheels import built_wheels

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
PAGE = (ROOT / "docs" / "install.md").read_text()
PUBLISHED, WHEELS, REPOSITORY, EXISTING = re.findall(
    r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL
)
ORCHESTRATORS = {"dagster": "dagster", "airflow": "apache-airflow", "prefect": "prefect"}


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the files of a release, as scripts/release.py leaves them."""
    folder = tmp_path_factory.mktemp("release")
    shutil.copytree(built_wheels(), folder, dirs_exist_ok=True)
    _run(["bash", "-c", "sha256sum *.whl > SHA256SUMS"], folder)
    return folder


class Environment:
    """An environment with an orchestrator at the version of uv.lock, before floe is installed."""

    def __init__(self, orchestrator: str, folder: Path, release: Path) -> None:
        self._folder = folder
        self._orchestrator = orchestrator
        self._release = release
        self._locked = folder / "locked.txt"
        self._locked.write_text(_run([UV, *_EXPORT, "--only-group", orchestrator], ROOT))
        _run([UV, "venv", "--quiet", "--seed", "--python", sys.executable, "venv"], folder)
        into = ("--python", "venv/bin/python", "--constraint", self._locked)
        _run([UV, "pip", "install", "--quiet", *into, ORCHESTRATORS[orchestrator]], folder)

    def run(self, block: str, **variables: str) -> str:
        """Run a block of the page for this environment's orchestrator."""
        script = block.replace("dagster", self._orchestrator)
        return _run(
            ["bash", "-euc", script],
            self._folder,
            PATH=f"{self._folder / 'venv/bin'}:{os.environ['PATH']}",
            FLOE_REPOSITORY=ROOT.as_uri(),
            RELEASE=str(self._release),
            # What is new is as in the lock, too, so that a release of others breaks no test.
            PIP_CONSTRAINT=str(self._locked),
            AIRFLOW_HOME=str(self._folder / "airflow"),
            **variables,
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
def test_floe_is_installed_beside_an_orchestrator(
    orchestrator: str, release: Path, tmp_path: Path
) -> None:
    environment = Environment(orchestrator, tmp_path, release)
    before = environment.installed()
    environment.run(EXISTING)
    after = environment.installed()
    assert before - after == set()
    names = {re.split(" |==", line)[0] for line in after - before}
    assert {"floe-orchestration", "dbt-duckdb", f"floe-orchestration-{orchestrator}"} <= names
    shutil.copytree(ROOT / "examples" / "hello", tmp_path / "examples" / "hello")
    shutil.copy(ROOT / "examples" / "manifest.yaml", tmp_path / "examples")
    environment.run(f"floe compile examples/hello --on {orchestrator}")


@pytest.mark.parametrize("block", [PUBLISHED, WHEELS], ids=["published", "wheels"])
def test_floe_is_installed_by_name_and_from_wheels(
    block: str, release: Path, tmp_path: Path
) -> None:
    environment = Environment("dagster", tmp_path, release)
    environment.run(block, PIP_FIND_LINKS=str(release))
    assert "floe-orchestration-dagster" in environment.run("floe plugins")


def test_floe_is_installed_from_the_repository(release: Path, tmp_path: Path) -> None:
    environment = Environment("dagster", tmp_path, release)
    assert "floe-orchestration-dagster" in environment.run(REPOSITORY)
    assert any("floe-orchestration @ git+file" in line for line in environment.installed())


def test_the_project_of_uv_names_folders_that_are_there(tmp_path: Path) -> None:
    [text] = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "pyproject.toml").write_text(text.replace("FLOE_REPOSITORY", ROOT.as_uri()))
    compiled = _run([UV, "pip", "compile", "--quiet", "--no-deps", "pyproject.toml"], tmp_path)
    names = {line.split(" ")[0] for line in compiled.splitlines() if line.startswith("floe")}
    assert names == set(tomllib.loads(text)["tool"]["uv"]["sources"])
