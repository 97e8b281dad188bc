"""The cells of the version matrix: one orchestrator, with one version away from the newest."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]

# Of all cells: dbt-core 1.12 depends on a parser whose wheels are not on every index, and works
# without it.
NO_EXPERIMENTAL_PARSER = "dbt-core-experimental-parser; sys_platform == 'never'"

# Limits that a release does not declare, and without which it does not start or schedules nothing.
_OF_PREFECT = ("fastapi<0.151", "sqlalchemy<2.1")
MISSING_LIMITS = {
    "prefect-3.7": _OF_PREFECT,
    "prefect-3.8": _OF_PREFECT,
    "airflow-3.1": ("pydantic<2.14",),
    "airflow-3.2": ("fastapi<0.151",),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One environment: a plugin, a Python, and requirements that replace those of packages.

    `is_declared` is whether the plugin declares that it supports the version in the name.
    """

    name: str
    orchestrator: str
    python: str = "3.11"
    overrides: tuple[str, ...] = ()
    is_declared: bool = True


@dataclass(frozen=True, slots=True)
class Axis:
    """The versions of one orchestrator that are tried, newest last, and its distribution."""

    orchestrator: str
    distribution: str
    minors: tuple[str, ...]


AXES = (
    Axis("dagster", "dagster", ("1.10", "1.11", "1.12", "1.13")),
    Axis("airflow", "apache-airflow", ("3.0", "3.1", "3.2", "3.3")),
    Axis("prefect", "prefect", ("3.7", "3.8", "3.9")),
)
PYTHONS = ("3.12", "3.13", "3.14")
DBTS = {
    "1.10": ("dbt-core==1.10.*", "dbt-duckdb==1.10.*"),
    "1.11": ("dbt-core==1.11.*",),
    "1.12": ("dbt-core==1.12.*",),
}


def all_cells() -> list[Cell]:
    """Return every cell: each orchestrator's minors, then Pythons, then dbt on Dagster."""
    minors = [
        Cell(
            name=f"{axis.orchestrator}-{minor}",
            orchestrator=axis.orchestrator,
            overrides=_pins(axis, minor),
            is_declared=_is_declared(axis, minor),
        )
        for axis in AXES
        for minor in axis.minors
    ]
    pythons = [
        Cell(f"{axis.orchestrator}-python-{python}", axis.orchestrator, python)
        for axis in AXES
        for python in PYTHONS
    ]
    dbts = [Cell(f"dagster-dbt-{dbt}", "dagster", overrides=pins) for dbt, pins in DBTS.items()]
    return [*minors, *pythons, *dbts]


def _pins(axis: Axis, minor: str) -> tuple[str, ...]:
    """Return what holds an orchestrator at a minor, its web server included."""
    also = ("dagster-webserver",) if axis.orchestrator == "dagster" else ()
    pins = (f"{name}=={minor}.*" for name in (axis.distribution, *also))
    return (*pins, *MISSING_LIMITS.get(f"{axis.orchestrator}-{minor}", ()))


def _is_declared(axis: Axis, minor: str) -> bool:
    """Return whether the plugin's requirement of the orchestrator contains a minor."""
    project = ROOT / "plugins" / f"floe-orchestrator-{axis.orchestrator}" / "pyproject.toml"
    required = tomllib.loads(project.read_text())["project"]["dependencies"]
    found = {each.name: each.specifier for each in map(Requirement, required)}
    return found[axis.distribution].contains(f"{minor}.0")
