"""A dbt 2 from the registries: the program, and the driver through which it opens DuckDB files."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

# The newest of which the registry has wheels: dbt's own build, and the open-source one. Later ones
# are source distributions that download a wheel from elsewhere.
PROGRAMS = ("dbt==2.0.0rc196", "dbt-core==2.0.0a4")
UV = Path(sys.executable).with_name("uv")
# DuckDB's own library; dbt 2 loads it by the name in the driver's manifest.
LIBRARY = "@duckdb/node-bindings-linux-x64@1.5.6-r.1"
DRIVER = """\
manifest_version = 1
name = "DuckDB"
version = "1.5.6"
[ADBC]
version = "1.1.0"
[Driver]
entrypoint = "duckdb_adbc_init"
[Driver.shared]
linux_amd64 = "{library}"
"""


def install_dbt_two(folder: Path, program: str = PROGRAMS[0]) -> Path:
    """Return the path of a dbt 2 below this folder; skip where the registries do not have it."""
    environment = folder / "dbt-2"
    run(UV, "venv", "--quiet", "--python", sys.executable, environment)
    wheels = ("--only-binary", ":all:", "--prerelease", "allow")
    run(
        *(UV, "pip", "install", "--quiet", "--python", environment / "bin" / "python", *wheels),
        program,
    )
    return environment / "bin" / "dbt"


def install_duckdb_driver(folder: Path) -> Path:
    """Return the folder to name in ADBC_DRIVER_PATH; skip where the library can't be had."""
    if shutil.which("npm") is None:
        pytest.skip("there is no npm to bring DuckDB's library for dbt 2")
    run("npm", "pack", "--silent", LIBRARY, cwd=folder)
    [archive] = folder.glob("duckdb-node-bindings-*.tgz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    (folder / "duckdb.toml").write_text(DRIVER.format(library=folder / "package" / "libduckdb.so"))
    return folder


def run(*command: str | Path, cwd: Path | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{' '.join(map(str, command))}: {done.stderr[-300:]}")
