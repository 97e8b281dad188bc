"""Find distributions of other projects that install packages under the names of ours.

On PyPI, `floe-core` and `floe-orchestrator-dagster` belong to another project, and install
`floe_core` and `floe_orchestrator_dagster`, as ours do. Whichever is installed last overwrites
files of the other, and uninstalling either removes files of both.
"""

from __future__ import annotations

import os
import re
import sys
from functools import cache
from importlib.metadata import Distribution
from pathlib import Path

OURS = "floe-orchestration"
# The import packages of our distributions.
PACKAGES = frozenset(
    {
        "dbt_floe",
        "floe_artifacts",
        "floe_ci",
        "floe_conformance",
        "floe_console",
        "floe_core",
        "floe_dev",
        "floe_diff",
        "floe_import",
        "floe_kubernetes",
        "floe_migrate",
        "floe_orchestration",
        "floe_orchestrator_airflow",
        "floe_orchestrator_dagster",
        "floe_orchestrator_prefect",
        "floe_parity",
        "floe_partitions",
        "floe_tracing",
        "floe_warehouses",
    }
)
_METADATA_FOLDER = re.compile(r"(floe\w*)-[^-]+\.(dist|egg)-info", re.IGNORECASE)


class NamesakeError(ImportError):
    """Another distribution has installed packages under the names of ours."""


@cache
def refuse_namesakes() -> None:
    """Raise if a distribution whose name begins with `floe` has packages with names of ours.

    This runs before every command and at each import of floe, and costs less than a millisecond.

    Raises:
        NamesakeError: It names both, and the commands that remove theirs and restore ours.
    """
    installed = _find_floe_distributions()
    theirs = {
        name: distribution
        for name, distribution in installed.items()
        if not is_ours(name) and packages_of(distribution)
    }
    if theirs:
        ours = {name: each for name, each in installed.items() if is_ours(name)}
        raise NamesakeError(_explain(theirs, ours))


def is_ours(distribution: str) -> bool:
    """Return whether a distribution, by its name, is one of ours."""
    name = _normalize(distribution)
    return name == OURS or name.startswith(f"{OURS}-")


def packages_of(distribution: Distribution) -> list[str]:
    """Return which of our import packages a distribution installs, sorted."""
    files = distribution.files or ()
    return sorted({file.parts[0] for file in files if len(file.parts) > 1} & PACKAGES)


def _find_floe_distributions() -> dict[str, Distribution]:
    """Return normalized name -> installed distribution, for names that begin with `floe`.

    Only names of folders are read here: `importlib.metadata` reads a file for each distribution
    of the environment.
    """
    found: dict[str, Distribution] = {}
    for folder in dict.fromkeys(sys.path):
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        for name in names:
            if match := _METADATA_FOLDER.fullmatch(name):
                found.setdefault(_normalize(match[1]), Distribution.at(Path(folder, name)))
    return dict(sorted(found.items()))


def _normalize(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _explain(theirs: dict[str, Distribution], ours: dict[str, Distribution]) -> str:
    rows = "".join(
        f"  {', '.join(packages_of(found))}: {name} {found.version}\n"
        for name, found in theirs.items()
    )
    pins = [f"{name}=={each.version}" for name, each in ours.items()] or [OURS]
    installers = {(each.read_text("INSTALLER") or "").strip() for each in theirs.values()}
    if installers == {"uv"}:
        remove, restore = "uv pip uninstall", "uv pip install --reinstall --no-deps"
    else:
        remove, restore = "pip uninstall --yes", "pip install --force-reinstall --no-deps"
    return (
        "another project has installed packages with the names of floe's:\n"
        f"{rows}"
        f"floe is {', '.join(pins)}. An environment can hold only one of the two projects.\n"
        f"fix: {remove} {' '.join(theirs)}\n"
        f"     {restore} {' '.join(pins)}"
    )
