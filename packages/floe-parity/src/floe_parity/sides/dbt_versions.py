"""Install a dbt by its version, with an adapter, in an environment in the user's cache."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import venv
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_path

from floe_core.foundation.errors import EnvironmentProblemError

_VERSION = re.compile(r"\d+(\.\d+)*((a|b|rc)\d+)?")
# Written once everything is installed; without it, the installation of the environment is
# incomplete.
_DONE = "floe-installed"
# dbt-core 1.12 requires it, but PyPI has only its source, which downloads a wheel; dbt runs
# without.
_PARSER = "dbt-core-experimental-parser"
_LINES_SHOWN = 12
# Of dbt 2, only the open-source build has these previews; those of dbt's own begin at rc178.
_OPEN_SOURCE = re.compile(r"2\.0\.0(a\d+|b\d+|rc\d)")


def is_version(dbt: str) -> bool:
    """Return whether a dbt is named by its version.

    >>> is_version("1.10"), is_version("2.0.0rc196"), is_version("~/dbt-2/bin/dbt")
    (True, True, False)
    """
    return _VERSION.fullmatch(dbt) is not None


def program_of_version(dbt: str, adapter: str) -> Path:
    """Return the program of a dbt with an adapter, installing them if necessary.

    An incomplete version means the newest one that starts with it, when the environment is created.
    DuckDB has the same version as beside floe, which reads the same files.

    Raises:
        EnvironmentProblemError: The package index does not have them, or it can't be reached.
    """
    cache = user_cache_path("floe") / "dbt"
    python = ".".join(map(str, sys.version_info[:2]))
    folder = cache / f"{dbt}-{adapter}-python-{python}"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if not (folder / _DONE).exists():
            shutil.rmtree(folder, ignore_errors=True)
            _install(folder, requirements_of(dbt, adapter), f"dbt {dbt} for {adapter}")
            (folder / _DONE).touch()
    return folder / "bin" / "dbt"


def requirements_of(dbt: str, adapter: str) -> list[str]:
    """Return the requirements to install for a version of dbt.

    >>> requirements_of("1.10", "postgres"), requirements_of("2.0.0rc196", "postgres")
    (['dbt-core==1.10.*', 'dbt-postgres'], ['dbt==2.0.0rc196'])
    >>> requirements_of("2.0.0a4", "postgres")
    ['dbt-core==2.0.0a4']
    """
    is_whole = dbt.count(".") > 1
    pin = f"=={dbt}" if is_whole else f"=={dbt}.*"
    if int(dbt.partition(".")[0]) > 1:
        # One program, with all of its adapters.
        return [f"{'dbt-core' if _OPEN_SOURCE.fullmatch(dbt) else 'dbt'}{pin}"]
    return [f"dbt-core{pin}", f"dbt-{adapter}", *(_same_duckdb() if adapter == "duckdb" else ())]


def _same_duckdb() -> list[str]:
    try:
        return [f"duckdb=={version('duckdb')}"]
    except PackageNotFoundError:
        return []


def _install(folder: Path, requirements: list[str], what: str) -> None:
    uv = shutil.which("uv") or shutil.which(Path(sys.executable).with_name("uv"))
    if uv is None:
        venv.create(folder, with_pip=True)
        problem = _run(str(folder / "bin" / "pip"), "install", "--quiet", *requirements)
    else:
        problem = _install_with_uv(uv, folder, requirements)
    if problem:
        shutil.rmtree(folder, ignore_errors=True)
        raise EnvironmentProblemError(
            f"{what} can't be installed; choose another version, or give the path of a program. "
            f"The installation of {', '.join(requirements)} says:\n{problem}"
        )


def _install_with_uv(uv: str, folder: Path, requirements: list[str]) -> str:
    if problem := _run(uv, "venv", "--quiet", "--python", sys.executable, str(folder)):
        return problem
    into = ("pip", "install", "--quiet", "--python", str(folder / "bin" / "python"))
    problem = _run(uv, *into, *requirements)
    if _PARSER not in problem:
        return problem
    overrides = folder / "overrides.txt"
    overrides.write_text(f'{_PARSER} ; sys_platform == "never"\n')
    return _run(uv, *into, "--override", str(overrides), *requirements)


def _run(*command: str) -> str:
    """Run a command; return the end of its output if it fails, "" if it does not."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    lines = (done.stderr or done.stdout).strip().splitlines()
    return "\n".join(lines[-_LINES_SHOWN:]) or f"{command[0]} exited with {done.returncode}"
