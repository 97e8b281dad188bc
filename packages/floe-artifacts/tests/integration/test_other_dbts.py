"""dbt's artifacts of a run whose dbt is a program: floe's own version, an older one, and dbt 2."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from reported_product import (
    built_by_plain_dbt,
    codes_in,
    content,
    results_in,
    write_reported_product,
)
from second_dbt import install_dbt_two, install_duckdb_driver

from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, build
from floe_core.schemas import CompiledArtifacts

pytestmark = pytest.mark.slow

UV = Path(sys.executable).with_name("uv")
OLDER = ("dbt-core>=1.10,<1.11", "dbt-duckdb<1.11", "duckdb<1.5")
# Of one call; and what a message says of the time that a query took.
OF_ONE_CALL = ("adapter_response", "message")


def written_with(program: Path, folder: Path) -> Path:
    """Return the folder of the artifacts of a run in two attempts, with a catalog."""
    write_reported_product(folder)
    text = (folder / "floe.yaml").read_text()
    text = text.replace("retries: 1,", f"retries: 1, dbtExecutable: {program},")
    (folder / "floe.yaml").write_text(text.replace("to: written", "to: written, docs: true"))
    compile_product(folder)
    artifacts = CompiledArtifacts.load(folder)
    for attempt in (1, 2):
        list(build(artifacts, BuildRequest("shop", "one", attempt=attempt)))
    assert content(folder / "written/shop/one", "catalog.json")["nodes"]
    return folder / "written/shop/one"


def compare(program: Path, folder: Path) -> None:
    """Compare with that program's own build, in the warehouse that the run has left."""
    written = written_with(program, folder)
    plain = built_by_plain_dbt(folder, program, anew=False)
    ours, theirs = results_in(written), results_in(plain)
    for rows in (ours, theirs):
        for row in rows.values():
            for name in OF_ONE_CALL:
                row.pop(name)
    assert ours == theirs
    assert codes_in(written) == codes_in(plain)
    for name in ("run_results.json", "manifest.json"):
        one, other = content(written, name), content(plain, name)
        assert (one.keys(), one["metadata"].keys()) == (other.keys(), other["metadata"].keys())
        assert one["metadata"]["dbt_version"] == other["metadata"]["dbt_version"]


def test_a_program(tmp_path: Path) -> None:
    compare(Path(sys.executable).with_name("dbt"), tmp_path / "product")


def test_an_older_program(tmp_path: Path) -> None:
    own = tmp_path / "own-dbt"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, own], check=True)
    into = ("--python", own / "bin/python")
    # The step runs in floe's environment, and leaves the file as the older DuckDB reads it.
    subprocess.run([UV, "pip", "install", "--quiet", *into, *OLDER], check=True)
    compare(own / "bin/dbt", tmp_path / "product")


def test_dbt_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADBC_DRIVER_PATH", str(install_duckdb_driver(tmp_path)))
    compare(install_dbt_two(tmp_path), tmp_path / "product")
    assert not (tmp_path / "product/written/shop/one/index.html").exists()
