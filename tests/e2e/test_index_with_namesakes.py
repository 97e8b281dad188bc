"""An index that also has floe's old names, in higher versions: nobody who installs floe gets them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import tomllib
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from built_wheels import ROOT, UV, VERSION, built_wheels, make_environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

EXTRAS = sorted(
    tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
)
# What floe's distributions were called in version 0.1, and what their folders are called.
OLD_NAMES = sorted(
    {f"floe-{each}" for each in ("core", "orchestrator-dagster", "orchestrator-airflow")}
    | {"floe-orchestrator-prefect", "floe-orchestrator-dbos"}
    | {folder.name for folder in (ROOT / "packages").iterdir()}
)
# A part of dbt-core 1.12 can't be had from the index; dbt-core 1.11 asks for a mashumaro that does
# not support Python 3.14.
OVERRIDES = "dbt-core-experimental-parser ; sys_platform == 'never'\nmashumaro>=3.9\n"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve our wheels, the other project's own, and 99.0 of each old name; yield the URL."""
    folder = tmp_path_factory.mktemp("index")
    theirs = ("floe-core==0.1.0a1", "floe-orchestrator-dagster==0.1.0a1")
    download = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder)
    subprocess.run([*download, *theirs], check=False)
    for wheel in built_wheels().glob("*.whl"):
        (folder / wheel.name).write_bytes(wheel.read_bytes())
    for name in OLD_NAMES:
        write_wheel(folder, name)
    pages: dict[str, list[str]] = {}
    for wheel in folder.glob("*.whl"):
        pages.setdefault(wheel.name.partition("-")[0].replace("_", "-"), []).append(wheel.name)
    for name, wheels in pages.items():
        page = folder / "simple" / name / "index.html"
        page.parent.mkdir(parents=True)
        page.write_text("".join(f'<a href="/{wheel}">{wheel}</a>\n' for wheel in wheels))
    handler = partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/simple"
        server.shutdown()


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and logs nothing."""

    def log_message(self, format: str, *args: object) -> None:
        pass


def write_wheel(folder: Path, name: str) -> None:
    written, info = name.replace("-", "_"), f"{name.replace('-', '_')}-99.0.dist-info"
    with zipfile.ZipFile(folder / f"{written}-99.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{written}/__init__.py", "raise SystemExit('not floe')\n")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 99.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")


def floes_in(names: dict[str, str]) -> dict[str, str]:
    return {name: version for name, version in names.items() if name.startswith("floe")}


def expected(extra: str) -> dict[str, str]:
    plugin = extra.partition("-")[0]
    parts = {"dagster", "airflow", "prefect", "conformance"} & {plugin}
    return dict.fromkeys(
        ("floe-orchestration", *(f"floe-orchestration-{p}" for p in parts)), VERSION
    )


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_uv_resolves_each_extra_to_ours(python: str, index: str, tmp_path: Path) -> None:
    overrides = tmp_path / "overrides.txt"
    overrides.write_text(OVERRIDES)
    command = [UV, "pip", "compile", "-", "--quiet", "--no-header", "--no-annotate"]
    command += ["--python-version", python, "--index", index, "--override", overrides]
    for extra in EXTRAS:
        done = subprocess.run(
            command,
            input=f"floe-orchestration[{extra}]\n",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{extra}: {done.stderr}"
        found = dict(line.split("==") for line in done.stdout.splitlines() if "==" in line)
        assert floes_in({name.partition("[")[0]: v for name, v in found.items()}) == expected(extra)


@pytest.mark.parametrize("extra", EXTRAS)
def test_pip_resolves_each_extra_to_ours(extra: str, index: str, tmp_path: Path) -> None:
    bin_folder = make_environment(tmp_path / "venv")
    (tmp_path / "constraints.txt").write_text("dbt-core<1.12\n")
    words = ("--dry-run", "--quiet", "--report", tmp_path / "report.json")
    words += ("--constraint", tmp_path / "constraints.txt", "--extra-index-url", index)
    command = (bin_folder / "pip", "install", *words, f"floe-orchestration[{extra}]")
    subprocess.run(command, check=True, env={**os.environ, "PIP_CONSTRAINT": ""})
    report = json.loads((tmp_path / "report.json").read_text())
    found = {e["metadata"]["name"].lower(): e["metadata"]["version"] for e in report["install"]}
    assert floes_in(found) == expected(extra)
