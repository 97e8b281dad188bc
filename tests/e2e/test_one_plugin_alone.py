"""Each plugin installs and works where the other orchestrator is not."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).parent / "uv"

LOAD = {
    "dagster": (
        "from floe_orchestrator_dagster.loader import load_product_definitions as load; import sys;"
        "print([load('hello', sys.argv[1]).resolve_job_def('hello').name])"
    ),
    "airflow": (
        "from floe_orchestrator_airflow.loader import load_product_dags as load; import sys;"
        "print(sorted(dag.dag_id for dag in load('hello', sys.argv[1])))"
    ),
    "prefect": (
        "from floe_orchestrator_prefect.loader import load_product_flows as load; import sys;"
        "print(list(load('hello', sys.argv[1]).flows))"
    ),
}


def locked(plugin: str) -> str:
    """Return the requirements of one plugin alone, at the versions of its fork of the lock."""
    export = [UV, "export", "--frozen", "--quiet", "--no-hashes", "--no-annotate", "--no-header"]
    return subprocess.run(
        [*export, "--no-emit-workspace", "--only-group", plugin],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def environment_with(plugin: str, folder: Path) -> Path:
    """Make an environment that holds core and one plugin, at the versions of its fork."""
    environment = folder / "venv"
    (folder / "locked.txt").write_text(locked(plugin))
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, environment], check=True)
    packages = [f"{ROOT}[duckdb]", ROOT / f"plugins/floe-orchestrator-{plugin}"]
    install = [UV, "pip", "install", "--quiet", "--python", environment / "bin/python"]
    subprocess.run([*install, "--constraint", folder / "locked.txt", *packages], check=True)
    return environment


def test_no_orchestrator_holds_sqlalchemy_back_for_another_in_the_lock() -> None:
    for plugin in LOAD:
        (line,) = re.findall(r"^sqlalchemy==(\d+\.\d+)", locked(plugin), re.MULTILINE)
        assert (plugin, line) == (plugin, "2.1")


@pytest.mark.parametrize(
    ("plugin", "other"), [("dagster", "airflow"), ("airflow", "dagster"), ("prefect", "dagster")]
)
def test_a_plugin_works_without_the_other(plugin: str, other: str, tmp_path: Path) -> None:
    environment = environment_with(plugin, tmp_path)
    shutil.copytree(
        ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns(".floe")
    )
    hello = tmp_path / "examples" / "hello"

    def call(*command: str | Path, code: int = 0) -> str:
        done = subprocess.run(
            [environment / "bin" / command[0], *command[1:]],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "AIRFLOW_HOME": str(tmp_path / "airflow")},
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    listed = json.loads(call("floe", "plugins", "--json"))
    assert [(row["name"], row["error"]) for row in listed] == [(plugin, "")]
    call("python", "-c", f"import {other}", code=1)
    call("floe", "compile", hello, "--on", plugin)
    assert call("python", "-c", LOAD[plugin], hello).splitlines()[-1] == "['hello']"
    call("floe", "compile", hello, "--on", other, code=2)
